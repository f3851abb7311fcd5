"""Searching by a public id: exact, by its index, whatever else a page searches through."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest

from tenants.console.pages import ConsolePage


class FoundByUuid(ConsolePage):
    """A whole UUID in the search box is taken for one; the rest is looked for as text."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        try:
            wanted = UUID(search_term.strip())
        except ValueError:
            return super().get_search_results(request, queryset, search_term)
        return queryset.filter(uuid=wanted), False
