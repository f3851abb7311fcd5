"""What operators do with stress runs: ask for one, within its bounds, and end one."""

from functools import partial
from typing import Any

from django import forms
from django.db import transaction

from noctis import errors
from operations import stress, tasks
from operations.models import StressRun
from operations.services import stress as service
from operations.stress import BOUNDS, EPOCH_S, Profile
from tenants.console import NamedAction, Order, ReasonForm, calling
from tenants.roles import Capability


def _bounded(name: str, label: str, says: str = "") -> forms.IntegerField:
    least, most, usual = BOUNDS[name]
    told = " ".join(filter(None, (says, f"{least:,} to {most:,}.")))
    return forms.IntegerField(
        min_value=least, max_value=most, initial=usual, label=label, help_text=told
    )


class StressForm(ReasonForm):
    """The fields of `POST /internal/stress/run`, with the same bounds."""

    mode = forms.ChoiceField(
        choices=[(mode, mode) for mode in stress.MODES],
        initial="both",
        help_text="What is measured; nights are ingested in any case.",
    )
    device_count = _bounded("device_count", "Devices", "A night of each.")
    hours = _bounded("hours", "Hours", "Of each night.")
    ingest_batch_size = _bounded("ingest_batch_size", "Epochs in a batch")
    iterations = _bounded("iterations", "Iterations", "Of questions.")
    batch_size = _bounded("batch_size", "Questions in an iteration")
    seed = _bounded("seed", "Seed", "The same sends the same bytes.")
    field_order = ("mode", *BOUNDS, "reason")

    def clean(self) -> dict[str, Any]:
        known = super().clean() or {}
        if not {"mode", *BOUNDS} - known.keys():
            for name, problem in profile_of(known).too_much():
                self.add_error(name, problem)
        return known


def profile_of(answers: Any) -> Profile:
    named = {name: answers[name] for name in ("mode", *BOUNDS)}
    return Profile(epoch_seconds=EPOCH_S, **named)


def _start(_row: None, order: Order) -> StressRun:
    run = service.request_run(
        profile=profile_of(order.answers), actor=order.actor, reason=order.reason
    )
    transaction.on_commit(partial(tasks.stress.run_stress.delay, run.pk), robust=True)
    return run


def _why_no_start(_row: None) -> str:
    try:
        service.require_possible()
    except errors.Refusal as refused:
        return f"{refused.row.title}: {refused.detail}"
    return ""


START = NamedAction(
    name="start",
    label="Start a stress run",
    done="is asked for",
    explains="A worker ingests nights and asks questions as fast as it can, in a tenant made for "
    "it and removed afterwards, for 15 minutes at most. Everybody else has less of the platform "
    "meanwhile.",
    needs=Capability.PLATFORM,
    run=_start,
    form=StressForm,
    refusal=_why_no_start,
)
CANCEL = NamedAction(
    name="cancel",
    label="Cancel",
    done="is cancelled",
    explains="Its worker ends it within a second, removes its tenant, and keeps what was measured.",
    needs=Capability.PLATFORM,
    run=calling(service.cancel_run, "run"),
    refusal=lambda row: "" if row.is_active and not row.cancelled_at else "It has ended, or will.",
)
