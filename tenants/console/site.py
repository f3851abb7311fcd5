"""The console itself: who may enter, its menu, and how a refusal looks to a person."""

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any, TypeGuard, cast

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from noctis import context, errors, http, metrics
from tenants.console import account, banners, palette, sign_in, standing
from tenants.console.pages import ConsolePage
from tenants.console.standing import StandingPage
from tenants.console.who import operator_of
from tenants.roles import Capability

MENU = (
    "Tenants",
    "Devices",
    "Sleep",
    "Models",
    "Quality",
    "Lifecycle",
    "Reliability",
    "Security",
)
# Stock pages that know no tenants, or change things past the services.
NOT_OURS = {
    "password_change",
    "password_change_done",
    "autocomplete",
    "view_on_site",
    "app_list",
}

OWN_PAGE = "admin:account"


class ConsoleSite(admin.AdminSite):
    site_header = site_title = "Noctis"
    site_url = None
    index_title = "Overview"
    login_form = sign_in.SignInForm

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.standing: list[StandingPage] = []

    def stand(self, page: StandingPage) -> None:
        """Take in a page that belongs to no model; before the addresses are asked for."""
        self.standing.append(page)

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Pages that packages bring along know no tenants: they are not let in."""
        if admin_class is not None and issubclass(admin_class, ConsolePage):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff flags say nothing here: whoever has a membership may enter."""
        return operator_of(request).may(Capability.WHOAMI)

    def get_urls(self) -> list[Any]:
        stock = [url for url in super().get_urls() if getattr(url, "name", "") not in NOT_OURS]
        own = [
            path(account.ADDRESS, self.admin_view(partial(account.page, self)), name="account"),
            path(palette.ADDRESS, self.admin_view(partial(palette.page, self)), name="search"),
            *(
                path(
                    f"{page.name}/",
                    self.admin_view(partial(standing.page, self, page)),
                    name=page.name,
                )
                for page in self.standing
            ),
        ]
        return [*own, *stock]

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            sign_in.use_attempt(request)
            entered = super().login(request, extra_context)
        except errors.Refusal as refusal:
            return self.refusal_page(request, refusal)
        if request.method == "POST":
            sign_in.remember_session(request)
        return entered

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return LogoutView.as_view(next_page="admin:login")(request)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        return super().admin_view(
            update_wrapper(self._explaining(view), getattr(view, "func", view)), cacheable
        )

    def _explaining(self, view: Callable[..., Any]) -> Callable[..., Any]:
        def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if operator_of(request).must_change_password and request.path not in _open_to_all():
                return HttpResponseRedirect(reverse(OWN_PAGE))
            try:
                return view(request, *args, **kwargs)
            except (PermissionDenied, Http404, SuspiciousOperation, errors.Refusal) as exception:
                return self.refusal_page(request, http.as_refusal(exception) or errors.Internal())

        return shown

    def refusal_page(self, request: HttpRequest, refusal: errors.Refusal) -> HttpResponse:
        metrics.ERRORS.labels(code=refusal.row.code).inc()
        known = {
            "title": refusal.row.title,
            "refusal": refusal,
            "request_id": context.request_id(),
            **self.each_context(request),
        }
        page = TemplateResponse(request, "admin/refused.html", known, status=refusal.row.status)
        if refusal.retry_after_s:
            page["Retry-After"] = str(refusal.retry_after_s)
        return page

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        known = super().each_context(request)
        return {**known, "standing": banners.of(request) if known["has_permission"] else []}

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[dict[str, Any]]:
        """The menu: groups by what people do, not by which app holds the model."""
        groups: dict[str, list[dict[str, Any]]] = {name: [] for name in MENU}
        ours = [(model, page) for model, page in self._registry.items() if _is_ours(page)]
        listed = [
            (page.place, page.menu, _entry(model, page))
            for model, page in ours
            if page.has_view_permission(request)
        ]
        for page in self.standing:
            if page.is_open_to(request):
                listed.append((page.place, page.menu, page.entry))
        for _, menu, entry in sorted(listed, key=lambda row: row[0]):
            groups[menu].append(entry)
        return [{"name": name, "models": models} for name, models in groups.items() if models]

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        return super().index(request, {"held": operator_of(request).held, **(extra_context or {})})


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form from elsewhere, or one that outlived its session."""
    metrics.AUTH_FAILURES.labels(reason="csrf").inc()
    detail = "The form is too old or did not come from here: go back, reload, send it again."
    return cast(ConsoleSite, admin.site).refusal_page(request, errors.Forbidden(detail))


def _open_to_all() -> tuple[str, str]:
    """Where somebody may go whose password is known to somebody else."""
    return reverse(OWN_PAGE), reverse("admin:logout")


def _is_ours(page: Any) -> TypeGuard[ConsolePage]:
    return isinstance(page, ConsolePage)


def _entry(model: Any, page: ConsolePage) -> dict[str, Any]:
    return {
        "name": page.heading,
        "object_name": model._meta.object_name,
        "says": page.__doc__,
        "admin_url": page.address("changelist"),
    }
