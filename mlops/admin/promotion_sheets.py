"""What one has to know before a version serves: its gates, and what it would replace."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest

from inference.models import Family, ModelVersion, Serving
from inference.services import registry
from inference.serving import board
from mlops.admin import comparison_sheets
from mlops.admin.job_columns import link
from mlops.gates import Gate
from mlops.models import Replay
from mlops.services import gates
from mlops.services.gates import Gated

MOST_OTHERS = 20
NONE = "-"
GATES = {"kappa": "κ", "macro_f1": "macro-F1", "over_null": "above the null"}
Reach = frozenset[int] | None
Status = ModelVersion.Status


@dataclass(frozen=True)
class Choice:
    label: str
    url: str
    is_current: bool


def sheet_of(row: ModelVersion, request: HttpRequest, reach: Reach) -> dict[str, Any]:
    """`family` and `against` are the address's; unasked the night's, and what serves it."""
    family = _family(row, request)
    serving = {one.family: one.version.version for one in Serving.objects.select_related("version")}
    before = registry.name_of_previous(family)
    others = list(_others(row))
    against = _against(row, request, others, (serving.get(family), before))
    replay, under_way = _newest(row, against, reach)
    gated = gates.gates_of(row=row, family=family)
    return {
        "family": family,
        "families": [
            Choice(name, _address(name, against), name == family) for name in row.families
        ],
        "others": [Choice(one.version, _address(family, one), one == against) for one in others],
        "serves": serving.get(family),
        "is_serving": serving.get(family) == row.version,
        "before": before,
        "against": against,
        "replay": replay,
        "comparison": comparison_sheets.sheet_of(replay) if replay else None,
        "under_way": link(under_way) if under_way else None,
        "gates": [_gate(gate) for gate in gated.gates],
        "unmet": len(gated.unmet),
        "judged": _judged(gated),
        "processes": _processes(serving),
    }


def _family(row: ModelVersion, request: HttpRequest) -> str:
    wanted = request.GET.get("family", Family.NIGHT.value)
    return wanted if wanted in row.families else str(row.families[0])


def _others(row: ModelVersion) -> Any:
    rows = ModelVersion.objects.exclude(pk=row.pk).exclude(status=Status.REJECTED)
    return rows.order_by("-id")[:MOST_OTHERS]


def _against(
    row: ModelVersion,
    request: HttpRequest,
    others: list[ModelVersion],
    unasked: tuple[str | None, ...],
) -> ModelVersion | None:
    named = {one.version: one for one in others}
    asked = (request.GET.get("against"), *unasked)
    return next((named[name] for name in asked if name in named), None)


def _address(family: str, against: ModelVersion | None) -> str:
    query = {"family": family} | ({"against": against.version} if against else {})
    return f"?{urlencode(query)}"


def _newest(
    row: ModelVersion, against: ModelVersion | None, reach: Reach
) -> tuple[Replay | None, Replay | None]:
    """The newest that is done, and the newest under way, for whoever has just asked for it; of
    nights that the operator may read: a replay tells of its tenant's sleep."""
    if against is None:
        return None, None
    pair = Q(first=row.pk, second=against.pk) | Q(first=against.pk, second=row.pk)
    rows = Replay.objects.filter(pair).exclude(status=Replay.Status.FAILED)
    rows = rows if reach is None else rows.filter(tenant__in=reach)
    is_done = Q(status=Replay.Status.DONE)
    newest = rows.annotate(is_done=is_done).order_by("is_done", "-id").distinct("is_done")
    found = {one.is_alive: one for one in newest.select_related("tenant", "first", "second")}
    return found.get(False), found.get(True)


def _gate(gate: Gate) -> dict[str, str]:
    figure = NONE if gate.figure is None else f"{gate.figure:.3g}"
    return {
        "name": GATES.get(gate.name, gate.name.replace("_", " ")),
        "asks": gate.asks,
        "outcome": gate.outcome.value,
        "figure": figure,
        "note": gate.note,
    }


def _judged(gated: Gated) -> str:
    """By which run, and whether another one is under way."""
    run, latest = gated.run, gated.latest
    told = "It has never been judged."
    if run is not None:
        report = run.report
        told = (
            f"Judged {run.finished_at:%Y-%m-%d %H:%M} UTC on {report.get('nights', 0)} nights "
            f"of {report.get('people', 0)} people."
        )
    if latest is None or latest == run:
        return told
    if latest.error:
        return f"{told} The newest run failed: {latest.error}"
    return f"{told} Another run is {latest.status}, {100 * latest.progress:.0f} %."


def _processes(serving: dict[str, str]) -> list[dict[str, Any]] | None:
    said = board.reports()
    return None if said is None else list(_told(said, serving))


def _told(said: list[board.Report], serving: dict[str, str]) -> Iterator[dict[str, Any]]:
    for one in said:
        serves = {"live": one.live, "night": one.night}
        is_behind = any(serves[family] != version for family, version in serving.items())
        yield {
            "name": one.process,
            "generation": one.generation,
            "live": one.live or NONE,
            "night": one.night or NONE,
            "state": "behind" if is_behind or one.failures else "ok",
            "failures": ", ".join(f"{name}: {why}" for name, why in one.failures.items()) or NONE,
        }
