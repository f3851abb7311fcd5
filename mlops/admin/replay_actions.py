"""What operators do with replays: ask for one of two versions, end one, judge a version."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from django import forms
from django.db import transaction
from django.utils import timezone

from inference.models import Family, ModelVersion, Serving
from inference.services import registry
from mlops import tasks
from mlops.models import GateRun, Replay
from mlops.services import gates, replays
from mlops.services.comparisons import Nights
from noctis import errors
from tenants.console import NamedAction, Order, ReasonForm
from tenants.console.actions import calling
from tenants.models import Tenant
from tenants.roles import Capability

DAYS = 30


class ReplayForm(ReasonForm):
    versions = forms.ModelMultipleChoiceField(
        ModelVersion.objects.all(), help_text="One, or two that are compared with each other."
    )
    days = forms.IntegerField(
        min_value=1, max_value=366, initial=DAYS, help_text="Nights that began in the last days."
    )
    field_order = ("versions", "days", "reason")

    def clean_versions(self) -> Any:
        chosen = self.cleaned_data["versions"]
        if len(chosen) > 2:
            raise forms.ValidationError("At most two versions.")
        return chosen


class CompareForm(ReasonForm):
    against = forms.ModelChoiceField(
        ModelVersion.objects.all(),
        help_text="Unless you choose another: what serves, or served before it.",
    )
    tenant = forms.SlugField(
        help_text="By its short name, such as harbour: both stage its nights anew."
    )
    days = forms.IntegerField(
        min_value=1, max_value=366, initial=DAYS, help_text="Nights that began in the last days."
    )
    field_order = ("against", "tenant", "days", "reason")

    @staticmethod
    def initial_for(row: ModelVersion) -> dict[str, Any]:
        """What it would replace, or for what serves: what a rollback would bring back."""
        serving = Serving.objects.filter(family=Family.NIGHT).select_related("version").first()
        if serving is None or serving.version_id != row.pk:
            return {"against": serving.version_id if serving else None}
        before = registry.name_of_previous(Family.NIGHT)
        return {"against": ModelVersion.objects.filter(version=before).first()}


def _replay(row: Tenant, order: Order) -> Replay:
    return _asked(row, [one.version for one in order.answers["versions"]], order)


def _compare(row: ModelVersion, order: Order) -> Replay:
    tenant = Tenant.objects.filter(slug=order.answers["tenant"]).first()
    if tenant is None or not order.by.may(Capability.EXPERIMENTS_WRITE, tenant.pk):
        raise errors.Missing("You may replay the nights of no tenant that is so called.")
    against: ModelVersion = order.answers["against"]
    if against.pk == row.pk:
        raise errors.BadRequest("A version is not compared with itself.")
    return _asked(tenant, [row.version, against.version], order)


def _asked(tenant: Tenant, versions: Sequence[str], order: Order) -> Replay:
    start = timezone.now() - timedelta(days=order.answers["days"])
    replay = replays.request_replay(
        tenant=tenant,
        versions=versions,
        nights=Nights(tenant, start),
        is_stored=False,
        actor=order.actor,
        reason=order.reason,
    )
    transaction.on_commit(partial(tasks.replay_due.delay), robust=True)
    return replay


def _judge(row: ModelVersion, order: Order) -> list[GateRun]:
    runs = gates.request_runs(
        version=row.version, families=(), actor=order.actor, reason=order.reason
    )
    for run in runs:
        transaction.on_commit(partial(tasks.judge_version.delay, run.pk), robust=True)
    return runs


REPLAY = NamedAction(
    name="replay",
    label="Replay nights",
    done="has a replay asked for",
    explains="Workers stage the tenant's closed nights anew by these versions, beside what was "
    "stored and the truth. Nothing that was staged changes.",
    needs=Capability.EXPERIMENTS_WRITE,
    run=_replay,
    form=ReplayForm,
)
COMPARE = NamedAction(
    name="compare",
    label="Compare on nights",
    done="has a comparison asked for",
    explains="A replay: workers stage a tenant's closed nights by both versions. This page shows "
    "the newest one that has ended. Nothing that was staged changes.",
    needs=Capability.MODELS_PROMOTE,
    run=_compare,
    form=CompareForm,
)
JUDGE = NamedAction(
    name="judge",
    label="Judge it",
    done="is judged",
    explains="A worker stages all labelled nights by it, by what serves and by the null; the gates "
    "are read from what comes of it.",
    needs=Capability.MODELS_PROMOTE,
    run=_judge,
)
CANCEL = NamedAction(
    name="cancel",
    label="Cancel",
    done="cancelled",
    explains="No more nights are begun. Its report is of those that are done.",
    needs=Capability.EXPERIMENTS_WRITE,
    run=calling(replays.cancel_replay, "replay"),
    refusal=lambda row: "" if row.is_alive else "It has ended.",
)
