"""Named actions: what an operator does to rows, each through one service, with a reason.

Knows neither pages nor requests; which rows she may touch is the page's to say.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.db import models, transaction
from django.utils import timezone

from noctis import context, errors
from tenants.models import AuditEntry, Operator, Tenant
from tenants.roles import Capability
from tenants.services.audit import LONGEST_REASON, Actor

MOST_ROWS = 100


class ReasonForm(forms.Form):
    required_css_class = "required"

    reason = forms.CharField(
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept in the audit log for good: why now, and who asked.",
    )


@dataclass(frozen=True)
class Order:
    """What the operator decided, beyond which rows."""

    by: Operator
    actor: Actor
    answers: Mapping[str, Any]

    @property
    def reason(self) -> str:
        return str(self.answers["reason"])


Run = Callable[[Any, Order], Any]


def calling(service: Callable[..., Any], subject: str, **fixed: Any) -> Run:
    """The usual act: one service, called with the row by this name, who did it, and why."""

    def run(row: Any, order: Order) -> Any:
        return service(**{subject: row}, actor=order.actor, reason=order.reason, **fixed)

    return run


def _always(row: Any) -> str:
    return ""


def _nobody(by: Operator, row: Any) -> str:
    return ""


@dataclass(frozen=True)
class NamedAction:
    """One verb. `run` calls a service; `refusal` says why a row must be left alone, or nothing, and
    `forbids` why by this operator."""

    name: str
    label: str
    done: str
    explains: str
    needs: Capability
    run: Run
    refusal: Callable[[Any], str] = _always
    forbids: Callable[[Operator, Any], str] = _nobody
    form: type[ReasonForm] = ReasonForm
    is_final: bool = False
    result_template: str = ""
    # Afterwards the row has no page to go back to.
    takes_away: bool = False

    @property
    def takes_many(self) -> bool:
        """What shows its result once does so for one row at a time."""
        return not self.result_template

    def why_not(self, by: Operator, row: Any) -> str:
        """Why she must leave this row alone, or nothing."""
        return self.refusal(row) or self.forbids(by, row)

    def form_for(self, data: Any, row: models.Model | None) -> ReasonForm:
        """What cannot be undone is confirmed by typing its name."""
        form = self.form(data, initial=initial_of(self.form, row))
        if self.is_final:
            form.fields["confirmation"] = forms.RegexField(
                rf"\A{self.name}\Z",
                label=f"Type {self.name} to confirm",
                error_messages={"invalid": f"Type {self.name}: this cannot be undone."},
                widget=forms.TextInput(attrs={"autocomplete": "off"}),
            )
        return form


def initial_of(form: type[ReasonForm], row: models.Model | None) -> dict[str, Any]:
    known = getattr(form, "initial_for", None)
    return known(row) if known and row is not None else {}


@dataclass(frozen=True)
class Result:
    """What became of one row."""

    row: Any
    refusal: str = ""
    entry: AuditEntry | None = None
    answer: Any = None


def carry_out(
    action: NamedAction, rows: models.QuerySet[Any], row: Any, order: Order, tenant: Tenant | None
) -> Result:
    """One row, locked, looked at again, and changed in a transaction of its own."""
    started = timezone.now()
    try:
        with transaction.atomic():
            locked = rows.select_for_update(of=("self",)).filter(pk=row.pk).first()
            if locked is None:
                raise errors.Missing("It is no longer there.")
            if refusal := action.why_not(order.by, locked):
                return Result(locked, refusal)
            answer = action.run(locked, order)
            # A version is everybody's; a comparison of it is of one tenant, and told there.
            whose = getattr(answer, "tenant", None) or tenant
            return Result(locked, entry=_newest_entry(whose, started), answer=answer)
    except errors.Refusal as refused:
        return Result(row, _told(refused))


def begin(action: NamedAction, order: Order, tenant: Tenant | None) -> Result:
    """What was not there yet is brought about, in a transaction of its own."""
    started = timezone.now()
    try:
        with transaction.atomic():
            row = action.run(None, order)
            return Result(row, entry=_newest_entry(tenant, started))
    except errors.Refusal as refused:
        return Result(None, _told(refused))


def _newest_entry(tenant: Tenant | None, started: datetime) -> AuditEntry | None:
    entries = AuditEntry.objects.select_related("tenant").filter(tenant=tenant, at__gte=started)
    return entries.filter(request_id=context.request_id()).order_by("-at", "-id").first()


def _told(refused: errors.Refusal) -> str:
    problems = "; ".join(problem.detail for problem in refused.problems)
    return f"{refused.row.title}: {problems}." if problems else refused.detail
