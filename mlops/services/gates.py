"""Gates: measured by a job on labelled nights, read by the settings of the moment, asked of every
promotion. Whoever may waive them says why, and the version's history keeps it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import transaction

from inference.engine import Pass
from inference.models import Family, ModelEvent, ModelVersion, Serving
from inference.services import registry
from inference.services.model_events import Decision
from inference.serving import Served, snapshot
from mlops import gates, refusals
from mlops.comparison import Totals, count_night, difference_of, told
from mlops.gates import CANDIDATE, INCUMBENT, NULL, TRUTH, Found, Gate, Limits, Outcome
from mlops.models import GateRun
from mlops.services import holdout, jobs
from noctis import errors
from recordings.services import schemas
from tenants.models import Tenant
from tenants.services import audit
from tenants.services.audit import Actor

NULL_VERSION = "null-clock"
NIGHTS_A_WORD = 25
Action = ModelEvent.Action


@dataclass(frozen=True)
class Gated:
    """A version before one family: its gates as the settings read them now, and the run behind."""

    family: str
    gates: Sequence[Gate]
    run: GateRun | None
    latest: GateRun | None = None

    @property
    def unmet(self) -> list[Gate]:
        return [gate for gate in self.gates if not gate.is_met]


def limits() -> Limits:
    """Read the settings."""
    return Limits(
        nights=settings.GATE_NIGHTS,
        people=settings.GATE_PEOPLE,
        kappa=settings.GATE_KAPPA,
        macro_f1=settings.GATE_MACRO_F1,
        smallest_recall=settings.GATE_SMALLEST_RECALL,
        calibration_error=settings.GATE_CALIBRATION_ERROR,
        over_null=settings.GATE_OVER_NULL,
        behind_incumbent=settings.GATE_BEHIND_INCUMBENT,
        latency_ms=settings.SLO_INFERENCE_P95_MS,
    )


def gates_of(*, row: ModelVersion, family: str) -> Gated:
    """Say where a version stands before a family, by its newest finished run."""
    runs = GateRun.objects.of(row, family).select_related("incumbent")
    run: GateRun | None = runs.done().first()
    serving = Serving.objects.filter(family=family).select_related("version").first()
    against = run.incumbent.version if run and run.incumbent else None
    found = Found(
        report=run.report if run else {},
        incumbent=serving.version.version if serving else None,
        judged_against=against,
        is_same_schema=row.schema_id == schemas.active().id,
        is_incumbent=serving is not None and serving.version_id == row.pk,
    )
    return Gated(family, gates.gates_of(found, limits()), run, runs.first())


def guard_step(
    *, row: ModelVersion, action: str, families: Sequence[str], decision: Decision
) -> Sequence[str]:
    """Refuse a validation without an evaluation, and a promotion whose gates are neither met nor
    waived; name what was waived."""
    if action == Action.VALIDATE:
        if not _is_evaluated(row):
            raise refusals.EvaluationMissing(f"Nothing says how good {row.version} is.")
        return ()
    found = [gates_of(row=row, family=family) for family in families]
    unmet = [(gated.family, gate) for gated in found for gate in gated.unmet]
    if unmet and not decision.waiver:
        raise refusals.GatesUnmet(f"{row.version}: {_said(unmet)}.")
    return [f"{family} {gate.name}" for family, gate in unmet]


def _is_evaluated(row: ModelVersion) -> bool:
    """By those who made it, in its manifest, or here."""
    return bool(row.metadata.get("metrics")) or (
        GateRun.objects.filter(model=row, report__nights__gt=0).done().exists()
    )


def _said(unmet: Sequence[tuple[str, Gate]]) -> str:
    """What failed with its figure; what is unknown together, by why."""
    told = [
        f"{family} {gate.name} is fail, {gate.figure:.3g} where {gate.asks} is asked"
        if gate.figure is not None
        else f"{family} {gate.name} is fail"
        for family, gate in unmet
        if gate.outcome == Outcome.FAIL
    ]
    unknown: dict[str, list[str]] = {}
    for family, gate in unmet:
        if gate.outcome == Outcome.UNKNOWN:
            unknown.setdefault(gate.note, []).append(f"{family} {gate.name}")
    return "; ".join(
        [*told, *(f"{', '.join(names)} unknown: {why}" for why, names in unknown.items())]
    )


def request_runs(
    *, version: str, families: Sequence[str], actor: Actor, reason: str = ""
) -> list[GateRun]:
    """Ask for a version to be judged; while that is due or at work, asking again is the same."""
    row = registry.version_named(version)
    wanted = tuple(families) or tuple(row.families)
    registry.check_offered(row=row, families=wanted)
    platform = Tenant.objects.platform().first()
    if platform is None:
        raise errors.Missing("There is no platform tenant yet.")
    with transaction.atomic():
        return [_requested(platform, row, family, (actor, reason)) for family in wanted]


def _requested(
    platform: Tenant, row: ModelVersion, family: str, asked: tuple[Actor, str]
) -> GateRun:
    actor, reason = asked
    ModelVersion.objects.select_for_update(no_key=True).get(pk=row.pk)
    known: GateRun | None = GateRun.objects.of(row, family).alive().first()
    if known is not None:
        return known
    run = GateRun.objects.create(
        tenant=platform,
        scope=GateRun.Scope.PLATFORM,
        model=row,
        family=family,
        **jobs.asked_by(actor=actor),
    )
    change = (None, {"family": family, "run": str(run.uuid)})
    audit.record(
        actor=actor,
        tenant=platform,
        action="model.judge",
        subject=row,
        change=change,
        reason=reason,
    )
    return run


def run_gates(*, pk: int) -> GateRun | None:
    """Judge a version that is due to be judged, beside what serves and the null."""
    run: GateRun | None = jobs.claim_job(kind=GateRun, pk=pk)
    if run is None:
        return None
    with jobs.failing(run):
        incumbent = (
            Serving.objects.filter(family=run.family).select_related("version__schema").first()
        )
        replaced = incumbent.version if incumbent else None
        report = _judge(run, replaced)
        jobs.end_job(job=run, report=report, incumbent=replaced)
    return run


def _judge(run: GateRun, incumbent: ModelVersion | None) -> dict[str, Any]:
    versions = _versions(run, incumbent)
    pairs = [(name, TRUTH) for name in versions]
    totals = Totals((*versions, TRUTH, "stored"), pairs, pairs[0])
    rows, left_out = list(holdout.scorings()), Counter[str]()
    people: dict[tuple[str, str], int] = {}
    digest = sha256()
    family: Pass = "night" if run.family == Family.NIGHT else "live"
    judged = holdout.judge(versions=versions, family=family, rows=rows, left_out=left_out)
    for place, night in enumerate(judged, start=1):
        unit = people.setdefault(night.person, len(people))
        name = str(night.night.recording.uuid)
        totals.add(count_night(night.lines, pairs), name=name, unit=unit)
        digest.update(name.encode() + night.lines[TRUTH].stages.tobytes())
        if place % NIGHTS_A_WORD == 0:
            jobs.note_progress(job=run, progress=place / len(rows), says=f"{place} nights judged")
    return told(totals) | {
        "people": len(people),
        "left_out": left_out,
        "made_up": sum(row.source == "synthetic" for row in rows),
        "checksum": digest.hexdigest(),
        "versions": {name: version.version for name, version in versions.items()},
        "over_null": _over(totals, NULL, versions),
        "over_incumbent": _over(totals, INCUMBENT, versions),
    }


def _versions(run: GateRun, incumbent: ModelVersion | None) -> dict[str, Served]:
    null = ModelVersion.objects.named(NULL_VERSION).select_related("schema").first()
    wanted = {CANDIDATE: registry.version_named(run.model.version), INCUMBENT: incumbent}
    rows = wanted | {NULL: null}
    return {
        name: snapshot.serve(row)
        for name, row in rows.items()
        if row is not None and run.family in row.families
    }


def _over(totals: Totals, other: str, versions: dict[str, Served]) -> dict[str, Any]:
    if other not in versions:
        return {}
    return difference_of(totals, (CANDIDATE, TRUTH), (other, TRUTH))
