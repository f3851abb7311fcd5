"""What brings a row about that is not there yet: offered by a list, on a page of its own.

As with all actions: GET shows, POST acts, and who may do it is decided here anew.
"""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html

from tenants.console import desk
from tenants.console.actions import NamedAction, Order, ReasonForm, Result, begin
from tenants.console.who import actor_of, operator_of

Page = Any


def answer(page: Page, request: HttpRequest, name: str) -> HttpResponse:
    action = next((found for found in page.begins if found.name == name), None)
    if action is None:
        raise Http404
    if not _may(page, request, action):
        raise PermissionDenied
    refusal = action.why_not(operator_of(request), None)
    posted = request.POST if request.method == "POST" else None
    form = action.form_for(posted, None)
    if posted is None or refusal or not form.is_valid():
        return _shown(page, request, action, form, refusal)
    return _begun(page, request, action, form)


def _may(page: Page, request: HttpRequest, action: NamedAction) -> bool:
    tenant = page.tenant_of(None)
    return operator_of(request).may(action.needs, tenant.pk if tenant else None)


def _begun(page: Page, request: HttpRequest, action: NamedAction, form: ReasonForm) -> HttpResponse:
    order = Order(operator_of(request), actor_of(request), form.cleaned_data)
    result: Result = begin(action, order, page.tenant_of(None))
    if result.refusal:
        return _shown(page, request, action, form, result.refusal)
    link = desk.entry_link(request, result.entry)
    told = format_html("{}: {}. {}", result.row, action.done, link)
    page.message_user(request, told, messages.SUCCESS)
    return HttpResponseRedirect(page.address("change", result.row.pk))


def _shown(
    page: Page, request: HttpRequest, action: NamedAction, form: ReasonForm, refusal: str
) -> HttpResponse:
    context = {
        **page.admin_site.each_context(request),
        "title": action.label,
        "page": page,
        "action": action,
        "refusal": refusal,
        "form": form,
        "back": page.address("changelist"),
        "opts": page.opts,
    }
    status = 409 if refusal and request.method == "POST" else 200
    return TemplateResponse(request, "admin/begin.html", context, status=status)


def offered(page: Page, request: HttpRequest) -> list[dict[str, Any]]:
    """Where it is not possible just now, its own page says why."""
    return [
        {"label": action.label, "url": page.address("action", action.name)}
        for action in page.begins
        if _may(page, request, action)
    ]
