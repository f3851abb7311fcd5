"""Finding by a public id: exact, by its index, in the search box and in a page's address."""

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

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """The row of a page: who was told a public id alone can have its address."""
        try:
            wanted = UUID(object_id)
        except ValueError:
            return super().get_object(request, object_id, from_field)
        return self.get_queryset(request).filter(uuid=wanted).first()
