"""`linear-1`: ordered, fitted to real nights and written down with its figures and its card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from inference.artifacts import Draft, Training
from inference.engine import Night, Pass
from inference.engine.golden import record
from mlops.datasets import LabelledNight
from mlops.evaluation import Verdict
from mlops.simulator.nights import simulate
from mlops.sources import COLUMNS
from mlops.training import contextual_fit, tuning
from mlops.training.contextual import BREATHING, HEART, MOVEMENT, SEEN, Design, Prepared
from mlops.training.provenance import shown, sources_of
from mlops.training.reference import drift_reference
from recordings.schemas import ACTIVE_VERSION, SHIPPED
from recordings.stages import SHOWN

DIGITS = 4
PASSES: tuple[Pass, ...] = ("live", "night")
# To be raised when the code gives another model for the same order.
REVISION = "contextual-2"
GOLDEN_SEED, GOLDEN = (1, 7), slice(200, 300)
# Places in there where all is lost, and where one sense after the other is.
LOST, NO_HEART, NO_BREATHING = slice(20, 24), slice(30, 40), slice(45, 55)
SUMMARY = (
    "Linear over 40 minutes of context, fitted to ECG and wrist recordings with scored sleep. "
    "Experimental: validated on wearable and ECG data, not on this device."
)


@dataclass(frozen=True)
class Order:
    """A training run, and all that its result depends on besides code and nights."""

    version: str
    # What `manage.py evaluate --leave-subjects-out --json` found, by source.
    figures: Mapping[str, Any] = field(default_factory=dict)
    card: str = ""


def draft(order: Order, nights: Sequence[LabelledNight]) -> Draft:
    design = Design()
    model = contextual_fit.train(Prepared(design), nights)
    return Draft(
        version=order.version,
        passes=PASSES,
        model=model,
        schema_version=ACTIVE_VERSION,
        features=SHIPPED[ACTIVE_VERSION],
        golden=tuple(record(model, golden_night(), pass_) for pass_ in PASSES),
        training=Training(sources_of(nights), 0, REVISION, _recipe(design, nights)),
        summary=SUMMARY,
        card=order.card,
        metrics={"leave_subjects_out": dict(order.figures)},
        drift_reference=drift_reference(SHOWN, COLUMNS, nights),
    )


def figures(verdict: Verdict) -> dict[str, Any]:
    """What a manifest keeps of one data set's people: no names, rounded."""
    report, spread = verdict.report, verdict.spread
    plain: dict[str, Any] = {
        "subjects": verdict.subjects,
        "nights": verdict.nights,
        "epochs": verdict.labelled_epochs,
        "accuracy": report.accuracy,
        "balanced_accuracy": report.balanced_accuracy,
        "kappa": report.kappa,
        "kappa_interval": list(verdict.intervals["kappa"]),
        "macro_f1": report.macro_f1,
        "expected_calibration_error": report.expected_calibration_error,
        "smallest_recall": verdict.smallest_recall,
        "recall": [one.recall for one in report.by_stage.values()],
        "f1": [one.f1 for one in report.by_stage.values()],
        "sleep_wake_kappa": verdict.sleep_wake.kappa,
        "kappa_by_subject": [spread.mean, spread.standard_deviation],
        "coverage": verdict.coverage,
    }
    return {name: _rounded(value) for name, value in plain.items()}


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return round(value, DIGITS) if isinstance(value, float) else value


def golden_night() -> Night:
    """A simulated one, so that nobody's data is in the folder: gaps and lost senses and all."""
    (night,) = simulate([GOLDEN_SEED])
    features = night.features[GOLDEN].copy()
    features[LOST] = np.nan
    features[NO_HEART, [[COLUMNS.index(name)] for name in HEART]] = np.nan
    features[NO_BREATHING, [[COLUMNS.index(name)] for name in BREATHING]] = np.nan
    return Night(features, GOLDEN.start)


def _recipe(design: Design, nights: Sequence[LabelledNight]) -> dict[str, Any]:
    return {
        "head": "contextual",
        "features": list(SEEN),
        "apart_by": MOVEMENT,
        "window": [design.window.before, design.window.after],
        "every": design.every,
        "blind_every": design.blind_every,
        "hidden_counts": design.hidden_counts,
        "l2": [recipe.l2 for recipe in design.recipes],
        "iterations": [recipe.iterations for recipe in design.recipes],
        "senseless_every": design.senseless_every,
        "senseless_counts": design.senseless_counts,
        "inner_folds": contextual_fit.INNER_FOLDS,
        "recall_counts": tuning.RECALL_COUNTS,
        "awake_counts": tuning.AWAKE_COUNTS,
        "recall_enough": list(tuning.RECALL_ENOUGH),
        **shown(nights),
    }
