"""A night's stages against its labels. Reads and counts; never writes."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from inference.models import Hypnogram, ModelVersion
from inference.services import hypnograms
from inference.statistics import NightStatistics, laid_out, night_statistics
from mlops import queries
from mlops.agreement import Compared, Report, Tally, report_of
from mlops.queries import Predicted
from mlops.refusals import LabelsMissing, PredictionsMissing
from recordings import grid, stages
from recordings.models import LabelSet, Recording
from recordings.stages import SHOWN, UNSCORED, shown_places

Codes = NDArray[np.int8]


@dataclass(frozen=True)
class Statistics:
    """Of both sides over the same epochs: what one does not know is unknown on both."""

    truth: NightStatistics
    predicted: NightStatistics


@dataclass(frozen=True)
class Evaluation:
    recording: Recording
    hypnogram: Hypnogram
    labels: LabelSet
    span: range
    unlabelled_epochs: int
    unstaged_epochs: int
    report: Report
    statistics: Statistics


def evaluate_night(*, recording: Recording, span: range) -> Evaluation:
    """Compare the stages of a night's current version with the newest labels, within a span."""
    hypnogram = hypnograms.current(recording=recording)
    labels = _newest_labels(recording)
    predicted = queries.night_predictions(hypnogram, recording.started_at)
    if not len(predicted.index):
        raise PredictionsMissing(f"The night is {hypnogram.disposition}; no stage of it is kept.")
    # The time in bed, as the hypnogram has it, and whatever was scored beyond.
    end = max(len(labels.stages), hypnogram.statistics["covers"]["epochs"])
    span = range(min(span.start, end), min(span.stop, end))
    truth = laid_out(np.array(labels.stages, np.int8), 0, span)
    both = truth, laid_out(line_of(predicted=predicted), 0, span)
    shares = shares_of(predicted=predicted, model=hypnogram.model)[span.start : span.stop]
    night = Compared(shown_places(both[0]), shown_places(both[1]), shares)
    return Evaluation(
        recording=recording,
        hypnogram=hypnogram,
        labels=labels,
        span=span,
        unlabelled_epochs=int((night.truth == UNSCORED).sum()),
        unstaged_epochs=int((night.given == UNSCORED).sum()),
        report=report_of(Tally.of(night), SHOWN),
        statistics=_statistics(
            both, night.known, grid.epoch_start(recording.started_at, span.start)
        ),
    )


def _newest_labels(recording: Recording) -> LabelSet:
    owned = LabelSet.objects.owned_by(recording.tenant_id).filter(recording=recording)
    newest: LabelSet | None = owned.order_by("-version").first()
    if newest is None:
        raise LabelsMissing
    return newest


def line_of(*, predicted: Predicted) -> Codes:
    """Lay out each epoch's stage: (grid,), unscored where none was given."""
    line = np.full(grid.MAX_EPOCHS, UNSCORED, np.int8)
    line[predicted.index] = predicted.codes
    return line


def shares_of(*, predicted: Predicted, model: ModelVersion) -> NDArray[np.float64]:
    """Lay out (grid, shown): a model's finer labels are added up, N1 and N2 to Light."""
    codes = np.array([stages.CODES[stages.spelt(label)] for label in model.metadata["labels"]])
    shares = np.full((grid.MAX_EPOCHS, len(SHOWN)), np.nan)
    shares[predicted.index] = predicted.probabilities @ np.eye(len(SHOWN))[shown_places(codes)]
    return shares


def _statistics(
    both: tuple[Codes, Codes], is_known: NDArray[np.bool_], start: datetime
) -> Statistics:
    truth, predicted = (
        night_statistics(np.where(is_known, line, UNSCORED), start) for line in both
    )
    return Statistics(truth, predicted)
