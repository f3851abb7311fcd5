"""The two versions that ship: how each is ordered, judged and written down. Needs the extra."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from inference.artifacts import Draft, Training
from inference.engine import Night, Pass
from inference.engine.golden import record
from mlops.datasets import LabelledNight
from mlops.evaluation import Answer, verdict_of
from mlops.simulator.nights import simulate
from mlops.sources import COLUMNS
from mlops.training import provenance
from mlops.training.contextual import LOOKS_AHEAD
from mlops.training.convolution import bagging, told
from mlops.training.convolution.design import DESIGNS, LABELS, USED, Design
from mlops.training.reference import drift_reference
from recordings.schemas import ACTIVE_VERSION, SHIPPED

Nights = Sequence[LabelledNight]
Figures = dict[str, dict[str, Any]]
# To be raised when the code gives another model for the same order.
REVISION = "convolution-2"
DIGITS = 4
GOLDEN_SEED, GOLDEN = (1, 7), slice(200, 260)
# Places in there where all is lost, where the radar hears nothing, and where nothing moves.
LOST, NO_RADAR, NO_MOVEMENT = slice(20, 24), slice(26, 40), slice(40, 54)
OF_RADAR = [COLUMNS.index(name) for name in USED if name != "vib_move_pct"]


@dataclass(frozen=True)
class Order:
    """A training run, and all that its result depends on besides code and nights."""

    version: str
    family: Pass
    seed: int = 1

    @property
    def design(self) -> Design:
        return replace(DESIGNS[self.family], seed=self.seed)

    @property
    def command(self) -> str:
        return (
            f"manage.py train net --version {self.version} --family {self.family} "
            f"--seed {self.seed} --output models/{self.version}"
        )


def figures_of(order: Order, answers: Sequence[Answer]) -> Figures:
    found = {}
    for source in sorted({answer.night.source for answer in answers}):
        if not (order.family == "live" and source in LOOKS_AHEAD):
            found[source] = figures([one for one in answers if one.night.source == source])
    return found


def figures(answers: Sequence[Answer]) -> dict[str, Any]:
    """What a manifest and a card say of one source's people, rounded."""
    verdict = verdict_of(answers)
    report = verdict.report
    plain = {
        "subjects": verdict.subjects,
        "nights": verdict.nights,
        "epochs": verdict.labelled_epochs,
        "accuracy": report.accuracy,
        "balanced_accuracy": report.balanced_accuracy,
        "kappa": report.kappa,
        "kappa_interval": verdict.intervals["kappa"],
        "macro_f1": report.macro_f1,
        "expected_calibration_error": report.expected_calibration_error,
        "smallest_recall": verdict.smallest_recall,
        "recall": {name: one.recall for name, one in report.by_stage.items()},
        "f1": {name: one.f1 for name, one in report.by_stage.items()},
        "sleep_wake_kappa": verdict.sleep_wake.kappa,
        "kappa_by_subject": [verdict.spread.mean, verdict.spread.standard_deviation],
        "coverage": verdict.coverage,
        "confusion": report.confusion,
    }
    return {name: _rounded(value) for name, value in plain.items()}


def draft(order: Order, nights: Nights, answers: Sequence[Answer]) -> Draft:
    """Fit to all nights, and write down what was fitted, from whom and how good its way to be
    trained is: `answers` are of people left out of it."""
    design, family = order.design, order.family
    fitted = bagging.train(design, nights)
    found = figures_of(order, answers)
    return Draft(
        version=order.version,
        passes=(family,),
        model=fitted.model,
        schema_version=ACTIVE_VERSION,
        features=SHIPPED[ACTIVE_VERSION],
        golden=(record(fitted.model, golden_night(), family),),
        training=Training(
            provenance.sources_of(nights), order.seed, REVISION, _recipe(order, nights)
        ),
        summary=told.SUMMARY[family],
        card=told.card(order.version, design, order.command, found),
        metrics={"leave_subjects_out": found, "method": told.HOW},
        drift_reference=drift_reference(LABELS, COLUMNS, nights),
        network=fitted.onnx,
    )


def golden_night() -> Night:
    """A simulated one, so that nobody's data is in the folder: gaps, no radar, no movement."""
    (night,) = simulate([GOLDEN_SEED])
    features = night.features[GOLDEN].copy()
    features[LOST] = np.nan
    features[NO_RADAR, OF_RADAR] = np.nan
    features[NO_MOVEMENT, COLUMNS.index("vib_move_pct")] = np.nan
    return Night(features, GOLDEN.start)


def _recipe(order: Order, nights: Nights) -> dict[str, Any]:
    design = order.design
    return {
        "head": "convolution",
        "channels": design.channels,
        "taps": design.taps,
        "dilations": list(design.dilations),
        "members": design.members,
        "steps": design.steps,
        "balance": design.balance,
        "smoothing": design.smoothing,
        "dropout": design.dropout,
        "linear_counts": design.linear_counts,
        **provenance.shown(nights),
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(one) for one in value]
    return round(value, DIGITS) if isinstance(value, float) else value
