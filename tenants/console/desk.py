"""The page of a named action: shows what it would touch, acts on POST, says what became of each.

Whatever the lists offered, who may do it is decided here anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from noctis import errors
from tenants.console.actions import (
    MOST_ROWS,
    NamedAction,
    Order,
    ReasonForm,
    Result,
    carry_out,
)
from tenants.console.who import actor_of, operator_of
from tenants.models import AuditEntry, Tenant
from tenants.roles import Capability

Page = Any
NOT_HERE = "Your role does not allow this here."


@dataclass(frozen=True)
class Step:
    """A chosen row, and why it must be left alone, if so."""

    row: Any
    refusal: str


def answer(page: Page, request: HttpRequest, name: str) -> HttpResponse:
    """GET shows, POST acts."""
    action = next((found for found in page.named_actions if found.name == name), None)
    if action is None:
        raise Http404
    if not operator_of(request).may(action.needs):
        raise PermissionDenied
    steps = _steps(page, request, action, _chosen(page, request, action))
    posted = request.POST if request.method == "POST" else None
    form = action.form_for(posted, steps[0].row if len(steps) == 1 else None)
    if posted is not None and form.is_valid():
        return _act(page, request, action, steps, form)
    return _shown(page, request, action, steps, form)


def _chosen(page: Page, request: HttpRequest, action: NamedAction) -> list[Any]:
    given = request.POST if request.method == "POST" else request.GET
    pks = given.getlist("pk")
    if len(pks) > (MOST_ROWS if action.takes_many else 1):
        raise errors.BadRequest("Too many rows for one action.")
    try:
        key = page.opts.pk
        found = page.get_queryset(request).filter(pk__in=[key.to_python(pk) for pk in pks])
        rows = list(found.select_related(*(page.list_select_related or ())))
    except ValidationError:
        raise Http404 from None
    if not rows:
        raise Http404
    return rows


def _steps(
    page: Page, request: HttpRequest, action: NamedAction, rows: Sequence[Any]
) -> list[Step]:
    allowed = [_may(request, action, page.tenant_of(row)) for row in rows]
    if not any(allowed):
        raise PermissionDenied
    return [
        Step(row, action.why_not(operator_of(request), row) if is_allowed else NOT_HERE)
        for row, is_allowed in zip(rows, allowed, strict=True)
    ]


def _may(request: HttpRequest, action: NamedAction, tenant: Tenant | None) -> bool:
    return operator_of(request).may(action.needs, tenant.pk if tenant else None)


def _shown(
    page: Page, request: HttpRequest, action: NamedAction, steps: list[Step], form: ReasonForm
) -> HttpResponse:
    context = {
        **page.admin_site.each_context(request),
        "title": action.label,
        "page": page,
        "action": action,
        "touched": [step for step in steps if not step.refusal],
        "left_alone": [step for step in steps if step.refusal],
        "steps": steps,
        "form": form,
        "back": _way_back(page, [step.row for step in steps]),
        "opts": page.opts,
    }
    return TemplateResponse(request, "admin/action.html", context)


def _act(
    page: Page, request: HttpRequest, action: NamedAction, steps: list[Step], form: ReasonForm
) -> HttpResponse:
    order = Order(operator_of(request), actor_of(request), form.cleaned_data)
    results = [_done(page, request, action, step, order) for step in steps]
    if action.takes_many:
        for result in results:
            _tell(page, request, action, result)
        left = [] if action.takes_away else [result.row for result in results]
        return HttpResponseRedirect(_way_back(page, left))
    if results[0].refusal:
        form.add_error(None, results[0].refusal)
        return _shown(page, request, action, steps, form)
    return _once(page, request, action, results[0])


def _done(
    page: Page, request: HttpRequest, action: NamedAction, step: Step, order: Order
) -> Result:
    if step.refusal == NOT_HERE:
        return Result(step.row, NOT_HERE)
    rows = page.get_queryset(request)
    return carry_out(action, rows, step.row, order, page.tenant_of(step.row))


def _tell(page: Page, request: HttpRequest, action: NamedAction, result: Result) -> None:
    if result.refusal:
        text = format_html("{} was left alone: {}", result.row, result.refusal)
        page.message_user(request, text, messages.WARNING)
        return
    text = format_html("{}: {}. {}", result.row, action.done, entry_link(request, result.entry))
    page.message_user(request, text, messages.SUCCESS)


def entry_link(request: HttpRequest, entry: AuditEntry | None) -> SafeString | str:
    """Names the audit entry; a link for those who may read the log."""
    if entry is None:
        return "Nothing had to be written."
    name = f"Audit entry {entry.sequence} of {entry.tenant}"
    if not operator_of(request).may(Capability.AUDIT_READ, entry.tenant_id):
        return f"{name}."
    url = reverse("admin:tenants_auditentry_change", args=[entry.pk])
    return format_html('<a href="{}">{}</a>.', url, name)


def _way_back(page: Page, rows: list[Any]) -> str:
    """To the object; to the list where it was several, or is no more."""
    if len(rows) == 1:
        return str(page.address("change", rows[0].pk))
    return str(page.address("changelist"))


def _once(page: Page, request: HttpRequest, action: NamedAction, result: Result) -> HttpResponse:
    """What is shown once is shown in the answer itself, and kept nowhere."""
    context = {
        **page.admin_site.each_context(request),
        "title": f"{result.row}: {action.done}",
        "page": page,
        "action": action,
        "result": result,
        "entry": entry_link(request, result.entry),
        "back": _way_back(page, [result.row]),
        "opts": page.opts,
    }
    response = TemplateResponse(request, action.result_template, context)
    response["Cache-Control"] = "no-store"
    return response


def tools(page: Page, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
    """The actions that this operator may do to this row as it is now."""
    tenant = page.tenant_of(row)
    return [
        {
            "label": action.label,
            "url": f"{page.address('action', action.name)}?pk={row.pk}",
            "is_final": action.is_final,
        }
        for action in page.named_actions
        if _may(request, action, tenant) and not action.why_not(operator_of(request), row)
    ]


def related(page: Page, request: HttpRequest, row: Any) -> list[dict[str, str]]:
    """Links to the lists of what belongs to this row, as far as the operator may open them."""
    links = []
    for label, model, parameter, attribute in page.related:
        target = page.admin_site.get_model_admin(model)
        if target.has_view_permission(request):
            query = urlencode({parameter: getattr(row, attribute)})
            links.append({"label": label, "url": f"{target.address('changelist')}?{query}"})
    return links
