"""The bases of every API view: declared policy and parameters, and rows of one tenant."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSet

from noctis import errors
from noctis.idempotency import Sender
from noctis.views import ReliableView
from tenants.callers import Caller
from tenants.models import OwnedQuerySet
from tenants.uses import USES

ANYTHING = "*/*"
PAGING = frozenset({"limit", "cursor"})


class ApiViewSet(ReliableView, ViewSet):
    """`policy` names the capability of each action, `parameters` its query parameters."""

    http_method_names = ["get", "head", "post", "patch", "delete"]
    policy: dict[str, Any]
    parameters: dict[str, frozenset[str]] = {}

    @property
    def caller(self) -> Caller:
        caller = self.request.user
        if not isinstance(caller, Caller):
            raise errors.MissingToken
        return caller

    @property
    def sender(self) -> Sender | None:
        caller = self.request.user
        return Sender(caller.tenant.pk, caller.identity) if isinstance(caller, Caller) else None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # The database holds no NUL: nothing has such an id, and no filter can look for one.
        if any("\x00" in str(part) for part in kwargs.values()):
            raise errors.Missing
        if self.action and (problems := list(self._query_problems())):
            raise errors.Invalid(problems=problems)

    def _query_problems(self) -> Iterator[errors.Problem]:
        if not self.request.META.get("QUERY_STRING"):
            return
        known = self.parameters.get(self.action or "", frozenset())
        for name, value in self.request.query_params.items():
            if name not in known:
                yield errors.Problem(f"?{name}", "unknown_parameter", "not taken")
            elif "\x00" in value:
                yield errors.Problem(f"?{name}", "invalid", "holds a NUL")

    def perform_content_negotiation(
        self, request: Request, force: bool = False
    ) -> tuple[BaseRenderer, str]:
        """Whoever says nothing takes the first; the rest is looked into."""
        if request.META.get("HTTP_ACCEPT", ANYTHING) == ANYTHING:
            first = self.get_renderers()[0]
            return first, first.media_type
        return super().perform_content_negotiation(request, force)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        verdict = getattr(request, "rate_limit", None)
        for name, value in (verdict.headers if verdict else {}).items():
            response[name] = value
        # Not `user`, which would authenticate here where a refusal came before that.
        caller = getattr(request, "_user", None)
        if response.status_code >= 400 and isinstance(caller, Caller) and caller.kid:
            USES.note_refusal(caller.kid)
        return super().finalize_response(request, response, *args, **kwargs)


class OwnedViewSet(ApiViewSet, GenericViewSet[Any]):
    """Starts from what the caller's tenant owns, so another tenant's row is simply not there."""

    queryset: OwnedQuerySet
    lookup_field = "uuid"
    lookup_url_kwarg = "id"
    keyset = "created_at"

    def get_queryset(self) -> QuerySet[Any]:
        return self.queryset.all().owned_by(self.caller.tenant)

    def page(self, answer: Any, rows: QuerySet[Any] | None = None) -> Response:
        """One page of the list, each row through `answer`."""
        found = self.paginate_queryset(self.get_queryset() if rows is None else rows)
        return self.get_paginated_response([answer(row) for row in found or []])
