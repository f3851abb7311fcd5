"""Totals read out: plain values, None for what is undefined. Formulas: docs/glossary.md."""

from typing import Any

import numpy as np

from mlops.agreement import scores
from mlops.agreement.ratios import Floats, listed, or_none, ratio
from mlops.comparison.counts import Pair, named
from mlops.comparison.totals import Totals
from recordings.stages import SHOWN

OVERALL = ("accuracy", "kappa", "macro_f1")
BY_STAGE = {
    "f1": scores.f1,
    "recall": scores.recall,
    "precision": scores.precision,
}


def told(totals: Totals) -> dict[str, Any]:
    """Everything of a comparison, as JSON."""
    return {
        "nights": totals.nights,
        "stages": list(SHOWN),
        "lines": {name: _line(totals, name) for name in totals.epochs},
        "pairs": {named(pair): _pair(totals, named(pair)) for pair in totals.pairs},
        "most_different": [
            {
                "night": one.name,
                "agreement": one.agreement,
                "epochs": one.epochs,
                "differing_minutes": one.differing / 2,
            }
            for one in totals.most_different
        ],
    }


def difference_of(totals: Totals, first: Pair, second: Pair) -> dict[str, Any]:
    """How much higher the first pair's kappa is: the same units drawn for both."""
    one, other = named(first), named(second)
    found = scores.kappa(totals.confusion[one]) - scores.kappa(totals.confusion[other])
    resampled = scores.kappa(totals.resampled[one]) - scores.kappa(totals.resampled[other])
    units = len(totals.units[one] & totals.units[other])
    return {"kappa": or_none(found), "interval": _interval(resampled, units), "units": units}


def _line(totals: Totals, name: str) -> dict[str, Any]:
    counted = totals.epochs[name]
    known = counted[:-1]
    latencies = np.array(totals.latency_us[name], np.float64) / 1000
    p50, p95 = np.percentile(latencies, (50, 95)) if len(latencies) else (np.nan, np.nan)
    return {
        "minutes": dict(zip(SHOWN, (known / 2).tolist(), strict=True)),
        "share": dict(zip(SHOWN, listed(ratio(known, known.sum())), strict=True)),
        "unstaged_minutes": float(counted[-1]) / 2,
        "latency_ms": {"p50": or_none(p50), "p95": or_none(p95)} if len(latencies) else None,
    }


def _pair(totals: Totals, pair: str) -> dict[str, Any]:
    confusion = totals.confusion[pair]
    epochs, right, confidence = totals.bins[pair]
    overall = {name: or_none(scores.OVERALL[name](confusion)) for name in OVERALL}
    kappas = scores.kappa(totals.resampled[pair])
    apart = np.abs(right - confidence).sum()
    return {
        "nights": totals.nights_of[pair],
        "epochs": int(confusion.sum()),
        **overall,
        "kappa_interval": _interval(kappas, len(totals.units[pair])),
        "by_stage": {
            name: dict(zip(SHOWN, listed(score(confusion)), strict=True))
            for name, score in BY_STAGE.items()
        },
        "confusion": confusion.tolist(),
        "expected_calibration_error": or_none(ratio(apart, epochs.sum())),
        "calibration": [
            {
                "epochs": int(count),
                "mean_confidence": or_none(sure),
                "share_right": or_none(share),
            }
            for count, sure, share in zip(
                epochs, ratio(confidence, epochs), ratio(right, epochs), strict=True
            )
        ],
    }


def _interval(values: Floats, units: int) -> list[float | None]:
    """95 %; of one unit there is none."""
    defined = values[~np.isnan(values)]
    if units < 2 or not len(defined):
        return [None, None]
    low, high = np.percentile(defined, scores.LEVEL)
    return [float(low), float(high)]
