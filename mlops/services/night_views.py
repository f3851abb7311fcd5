"""A night as a scientist looks at it: each answer beside the signals and the truth. Reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.models import Hypnogram, ModelVersion, Pass, Role
from inference.statistics import laid_out
from mlops import queries
from mlops.agreement import Compared, Report, Tally, report_of
from mlops.queries import Predicted
from recordings import grid, quality, stages
from recordings.models import LabelSet, Recording, RecordingQuerySet
from recordings.queries import Arrival, Epochs, Span, arrivals_of, epochs_within
from recordings.stages import SHOWN, UNSCORED, shown_places

# What stands for "compare with nothing" where another answer would be taken by itself.
NOTHING = "none"
MOST_REVISIONS = 10
# Of a version's metadata, which is large: what a night's page needs, and where it is.
TOLD = {name: f"metadata__{name}" for name in ("labels", "is_experimental", "metrics")}


@dataclass(frozen=True)
class Answer:
    """Which version staged a night, for what, and with how much of it."""

    version: str
    metadata: Mapping[str, Any]
    model_id: int
    role: Role
    staging_pass: Pass

    @property
    def labels(self) -> Sequence[str]:
        return self.metadata.get("labels", ())

    @property
    def key(self) -> str:
        return f"{self.version}:{self.role.name}:{self.staging_pass.name}".lower()

    @property
    def name(self) -> str:
        role = "" if self.role == Role.PRODUCTION else f", {self.role.name.lower()}"
        return f"{self.version}, {self.staging_pass.name.lower()}{role}"


@dataclass(frozen=True)
class Line:
    """An answer over the whole night: (epochs,) places in SHOWN, -1 where none was given."""

    name: str
    stages: NDArray[np.int8]
    shares: NDArray[np.float64]  # (epochs, SHOWN), NaN for a gap
    confidence: NDArray[np.float64]  # (epochs,), NaN for a gap
    key: str = ""


@dataclass(frozen=True)
class NightView:
    recording: Recording
    hypnogram: Hypnogram | None
    revisions: Sequence[Hypnogram]
    count: int  # epochs, from the recording's start to the end of whatever is known
    main: Line | None
    staged_by: Mapping[str, Any] | None  # what the version of `main` says of itself
    against: Line | None
    others: Sequence[Answer]
    labels: LabelSet | None
    epochs: Sequence[Epochs]
    arrivals: Sequence[Arrival]
    before: Recording | None  # the same device's
    after: Recording | None

    @cached_property
    def truth(self) -> Line | None:
        if self.labels is None:
            return None
        codes = laid_out(np.array(self.labels.stages, np.int8), 0, range(self.count))
        name = f"{self.labels.source} by {self.labels.scorer}"
        shares = np.full((self.count, len(SHOWN)), np.nan)
        return Line(name, shown_places(codes), shares, np.full(self.count, np.nan))

    @cached_property
    def is_there(self) -> NDArray[np.bool_]:
        """(epochs,): which epochs are stored."""
        there = np.zeros(self.count, bool)
        for part in self.epochs:
            there[part.index] = True
        return there

    def column(self, name: str) -> NDArray[np.float64] | None:
        """(epochs,), NaN for a gap; None where no schema of the night has it."""
        if not any(name in part.names for part in self.epochs):
            return None
        values = np.full(self.count, np.nan)
        for part in self.epochs:
            values[part.index] = part.matrix([name])[:, 0]
        return values

    @cached_property
    def quality(self) -> NDArray[np.int64]:
        """(epochs,) places in recordings.quality."""
        names = (*quality.VITALS, "agree_flags", "in_bed_pct")
        known = {name: values for name in names if (values := self.column(name)) is not None}
        return quality.qualities(known, self.is_there)


def look_at_night(*, recording: Recording, against: str = "") -> NightView:
    """Gather what is known of a night; `against` names the answer to compare with by its key."""
    rows = Hypnogram.objects.owned_by(recording.tenant_id).of(recording)
    hypnogram: Hypnogram | None = rows.select_related("model").first()
    labels = _newest_labels(recording)
    epochs = epochs_within(recording, Span()).found
    count = _count(recording, hypnogram, labels, epochs)
    answers = _answers(recording)
    main, own = _main(recording, hypnogram, answers, count)
    key = own.key if own else ""
    others = [answer for answer in answers if answer.key != key]
    chosen = _chosen(others, against, key)
    return NightView(
        recording=recording,
        hypnogram=hypnogram,
        revisions=_revisions(recording),
        count=count,
        main=main,
        staged_by=own.metadata if own else None,
        against=_line(recording, chosen, count) if chosen else None,
        others=others,
        labels=labels,
        epochs=epochs,
        arrivals=arrivals_of(recording),
        before=_nights_of(recording).filter(started_at__lt=recording.started_at).first(),
        after=_nights_of(recording).filter(started_at__gt=recording.started_at).last(),
    )


def agreement_of(*, truth: Line, given: Line) -> Report:
    """Compare two answers, the first of which is taken for the truth, over the whole night."""
    return report_of(Tally.of(Compared(truth.stages, given.stages, given.shares)), SHOWN)


def _nights_of(recording: Recording) -> RecordingQuerySet:
    """The device's nights, newest first."""
    rows: RecordingQuerySet = Recording.objects.owned_by(recording.tenant_id)
    return rows.filter(device=recording.device_id).order_by("-started_at")


def _newest_labels(recording: Recording) -> LabelSet | None:
    owned = LabelSet.objects.owned_by(recording.tenant_id).filter(recording=recording)
    newest: LabelSet | None = owned.order_by("-version").first()
    return newest


def _revisions(recording: Recording) -> list[Hypnogram]:
    rows = Hypnogram.objects.owned_by(recording.tenant_id).of(recording)
    # The names of models alone: each one's metadata is large.
    known = rows.select_related("model").only(
        "revision", "disposition", "staged_at", "coverage", "tenant_id", "model__version"
    )
    return list(known[:MOST_REVISIONS])


def _count(
    recording: Recording,
    hypnogram: Hypnogram | None,
    labels: LabelSet | None,
    epochs: Sequence[Epochs],
) -> int:
    ends = [int(part.index[-1]) + 1 for part in epochs if len(part.index)]
    ends += [len(labels.stages)] if labels else []
    ends += [int(hypnogram.statistics["covers"]["epochs"])] if hypnogram else []
    ends += [grid.index_at(recording.started_at, recording.ended_at)] if recording.ended_at else []
    return min(max(ends, default=0), grid.MAX_EPOCHS)


def _answers(recording: Recording) -> list[Answer]:
    found = queries.answers_of(recording)
    rows = ModelVersion.objects.filter(pk__in={model for model, _, _ in found})
    known = {pk: told for pk, *told in rows.values_list("pk", "version", *TOLD.values())}
    return [
        Answer(version, _told(values), model, Role(role), Pass(staging_pass))
        for model, role, staging_pass in found
        for version, *values in (known[model],)
    ]


def _told(values: Sequence[Any]) -> dict[str, Any]:
    """What a version does not say is left out, so that it means what it means elsewhere."""
    return {name: value for name, value in zip(TOLD, values, strict=True) if value is not None}


def _main(
    recording: Recording, hypnogram: Hypnogram | None, answers: Sequence[Answer], count: int
) -> tuple[Line | None, Answer | None]:
    """The night's hypnogram; before there is one, what was said of it live."""
    if hypnogram is not None:
        model = hypnogram.model
        answer = Answer(model.version, model.metadata, model.pk, Role.PRODUCTION, Pass.NIGHT)
        return _staged(hypnogram, recording, count), answer
    live = [answer for answer in answers if answer.staging_pass == Pass.LIVE]
    return (_line(recording, live[0], count), live[0]) if live else (None, None)


def _chosen(others: Sequence[Answer], wanted: str, main: str) -> Answer | None:
    """The one that is asked for; unasked, another version's, if there is one."""
    if wanted:
        return next((answer for answer in others if answer.key == wanted), None)
    own = main.split(":")[0]
    return next((answer for answer in others if answer.version != own), None)


def _staged(hypnogram: Hypnogram, recording: Recording, count: int) -> Line:
    codes = laid_out(np.array(hypnogram.stages, np.int8), hypnogram.first_index, range(count))
    predicted = queries.night_predictions(hypnogram, recording.started_at)
    shares = _shares(predicted, hypnogram.model.metadata.get("labels", ()), count)
    sure = np.full(grid.MAX_EPOCHS, np.nan)
    given = np.array(hypnogram.confidences, np.float64)
    sure[hypnogram.first_index : hypnogram.first_index + len(given)] = given
    places = shown_places(codes)
    sure = np.where(places == UNSCORED, np.nan, sure[:count])
    return Line(f"{hypnogram.model.version}, night", places, shares, sure)


def _line(recording: Recording, answer: Answer, count: int) -> Line:
    predicted = queries.newest_predictions(
        recording, (answer.model_id, answer.role, answer.staging_pass)
    )
    codes = np.full(grid.MAX_EPOCHS, UNSCORED, np.int8)
    codes[predicted.index] = predicted.codes
    shares = _shares(predicted, answer.labels, count)
    places = shown_places(codes[:count])
    given = shares[np.arange(count), places]
    sure = np.where(places == UNSCORED, np.nan, given)
    return Line(answer.name, places, shares, sure, answer.key)


def _shares(predicted: Predicted, labels: Sequence[str], count: int) -> NDArray[np.float64]:
    """(epochs, SHOWN): a model's finer labels are added up, N1 and N2 to Light."""
    shares = np.full((grid.MAX_EPOCHS, len(SHOWN)), np.nan)
    if len(predicted.index):
        codes = np.array([stages.CODES[stages.spelt(label)] for label in labels])
        shares[predicted.index] = predicted.probabilities @ np.eye(len(SHOWN))[shown_places(codes)]
    return shares[:count]
