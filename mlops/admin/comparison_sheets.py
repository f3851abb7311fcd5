"""What stands in the report of a replay, to read: answers side by side, and where they differ."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from django.utils.safestring import SafeString

from mlops.admin.job_columns import address
from mlops.comparison import FEWEST_NIGHTS, judged
from mlops.models import Replay, ReplayNight
from mlops.services import replays
from noctis import charts
from noctis.charts import Bin, Caption, Clock, Staged, Trace
from recordings import grid
from recordings.admin import ROW_OF, ROWS
from recordings.stages import SHOWN, UNSCORED
from tenants.console.shown import zone_of

NONE = "-"
PAIR_HEAD = ("nights", "epochs", "κ (95 %)", "accuracy", "macro-F1", "calibration error")
LINE_HEAD = (*SHOWN, "no stage", "staged within, median", "95 %")
DIFFERS = ("agrees", "differs")
CALIBRATION_BINS = 10
Report = Mapping[str, Any]
Row = Sequence[str]


def sheet_of(replay: Replay) -> dict[str, Any]:
    """For the template that shows a comparison, of one version or two."""
    names = names_of(replay)
    report = replay.report
    better = judged(report["difference"], names) if "difference" in report else None
    return {
        "nights": report.get("nights", 0),
        "says": better["says"] if better else "",
        "figures": _figures(better, names) if better else "",
        "fitted": report.get("fitted", 0),
        "pair_head": (*PAIR_HEAD, *(f"F1 {stage}" for stage in SHOWN)),
        "pairs": [_pair(told(pair, names), one) for pair, one in _pairs(report)],
        "line_head": LINE_HEAD,
        "lines": [
            _line(names.get(name, name), one)
            for name, one in sorted(report.get("lines", {}).items())
            if any(one["minutes"].values())
        ],
        "pictures": list(_pictures(report, names)),
        "different": list(_different(replay, names)),
        "left_out": sorted(report.get("left_out", {}).items()),
    }


def names_of(replay: Replay) -> dict[str, str]:
    return {name: row.version for name, row in replay.versions.items()} | {
        "stored": "what was stored",
        "truth": "the truth",
    }


def told(pair: str, names: Mapping[str, str]) -> str:
    one, _, other = pair.partition(" against ")
    return f"{names.get(one, one)} against {names.get(other, other)}"


def _pairs(report: Report) -> list[tuple[str, Report]]:
    """What knows anything; the two versions against each other first, then against the truth."""
    known = [(pair, one) for pair, one in report.get("pairs", {}).items() if one["epochs"]]
    order = ("a against b", "a against truth", "b against truth")
    return sorted(known, key=lambda row: (row[0] not in order, row[0]))


def _figures(better: Report, names: Mapping[str, str]) -> str:
    """By how much the first is better where somebody knows the truth."""
    low, high = better["interval"]
    if low is None or high is None:
        return ""
    return (
        f"κ of {names['a']} less κ of {names['b']}, against the truth: {better['kappa']:+.3f}, "
        f"{low:+.3f} to {high:+.3f} with 95 %, by {better['units']} labelled nights."
    )


def _pair(name: str, one: Report) -> Row:
    low, high = one["kappa_interval"] if one["nights"] >= FEWEST_NIGHTS else (None, None)
    between = "" if low is None or high is None else f" ({low:.2f} to {high:.2f})"
    f1 = one["by_stage"]["f1"]
    return [
        name,
        f"{one['nights']:,}",
        f"{one['epochs']:,}",
        f"{_two(one['kappa'])}{between}",
        _two(one["accuracy"]),
        _two(one["macro_f1"]),
        _two(one["expected_calibration_error"]),
        *(_two(f1.get(stage)) for stage in SHOWN),
    ]


def _line(name: str, one: Report) -> Row:
    """The mix of stages as minutes and shares: all nights together."""
    latency = one["latency_ms"] or {"p50": None, "p95": None}
    return [
        name,
        *(f"{one['minutes'][stage]:,.0f} min, {_percent(one['share'][stage])}" for stage in SHOWN),
        f"{one['unstaged_minutes']:,.0f} min",
        *(NONE if latency[key] is None else f"{latency[key]:.1f} ms" for key in ("p50", "p95")),
    ]


def _pictures(report: Report, names: Mapping[str, str]) -> Iterator[SafeString]:
    for pair, one in _pairs(report):
        first, _, second = pair.partition(" against ")
        if second == "stored" and "b" in names:
            continue
        caption = Caption(
            f"Confusion: {told(pair, names)}", f"Each row is a stage of {names[second]}."
        )
        yield charts.confusion(caption, SHOWN, one["confusion"])
        if second == "truth":
            says = "How often it was right, by how sure it was."
            bins = [_bin(nth, known) for nth, known in enumerate(one["calibration"])]
            yield charts.calibration(Caption(f"Calibration: {names[first]}", says), bins)


def _bin(nth: int, known: Report) -> Bin:
    ends = nth / CALIBRATION_BINS, (nth + 1) / CALIBRATION_BINS
    return Bin(*ends, int(known["epochs"]), known["mean_confidence"], known["share_right"])


def _different(replay: Replay, names: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    known = {one["night"]: one for one in replay.report.get("most_different", ())}
    for night in replays.most_different(replay=replay):
        one = known[str(night.recording.uuid)]
        yield {
            "name": str(night.recording),
            "url": address(night.recording),
            "says": f"{_percent(one['agreement'])} of {one['epochs']:,} epochs alike, "
            f"{one['differing_minutes']:,.0f} min apart",
            "pictures": list(_hypnograms(night, names)),
        }


def _hypnograms(night: ReplayNight, names: Mapping[str, str]) -> Iterator[SafeString]:
    """One above the other; beneath the second where the two differ."""
    kept = night.lines or {}
    lines = {name: np.array(kept[name], np.int8) for name in names if name in kept}
    first = lines.get("a")
    for name, stages in lines.items():
        # Beside two versions what was stored says little: it is one of them, most of the time.
        if first is None or (name == "stored" and "b" in names):
            continue
        recording = night.recording
        clock = Clock(recording.started_at, zone_of(recording), len(stages), grid.EPOCH_S)
        apart = [] if name == "a" else [Trace("differs", _apart(first, stages), DIFFERS)]
        says = "" if name == "a" else f"Beneath: where it differs from {names['a']}."
        trace = Trace(names[name], ROW_OF[stages], ROWS)
        yield charts.hypnogram(Caption(names[name], says), clock, Staged(trace, (), apart))


def _apart(one: Any, other: Any) -> Any:
    is_known = (one != UNSCORED) & (other != UNSCORED)
    return np.where(is_known, (one != other).astype(int), UNSCORED)


def _two(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"


def _percent(share: float | None) -> str:
    return NONE if share is None else f"{100 * share:.0f} %"
