"""The bodies of ground truth: a scoring as a list of named stages, or as a string of letters."""

from collections.abc import Iterator
from typing import Any

from rest_framework import serializers

from noctis.errors import Invalid, Problem
from noctis.filters import Filter
from noctis.serializers import Body, Instant
from recordings import grid, stages
from recordings.models import LabelSet
from recordings.services.labels import Scoring
from recordings.stages import UNSCORED

SCORER = r"^[A-Za-z0-9._-]{1,64}\Z"
ENTRY_FIELDS = frozenset({"epoch_index", "stage"})


class Label(Body):
    epoch_index = serializers.IntegerField(min_value=0, max_value=grid.MAX_EPOCHS - 1)
    stage = serializers.ChoiceField([stage.name for stage in stages.STAGES if stage.code >= 0])


class NewLabels(Body):
    example = {
        "scorer": "rater-7",
        "source": "psg",
        "labels": [{"epoch_index": 0, "stage": "W"}, {"epoch_index": 1, "stage": "N1"}],
    }

    scorer = serializers.RegexField(
        SCORER, help_text="A pseudonym, never a name: letters, digits, dot, underscore, hyphen."
    )
    source = serializers.ChoiceField(LabelSet.Source.values)  # type: ignore[assignment]  # DRF takes it
    labels = serializers.JSONField(
        help_text="A list of `{epoch_index, stage}`, or one string in which letter i is epoch i: "
        f"`{stages.LETTERS}`, `?` where nobody scored."
    )


class LabelVersion(Body):
    example = {
        "version": 2,
        "scorer": "rater-7",
        "source": "psg",
        "created_at": "2026-03-02T09:12:44Z",
        "stages": "W1",
        "labels": NewLabels.example["labels"],
    }

    version = serializers.IntegerField()
    scorer = serializers.CharField()
    source = serializers.ChoiceField(LabelSet.Source.values)  # type: ignore[assignment]  # DRF takes it
    created_at = Instant()
    stages = serializers.CharField(help_text="Letter i is epoch i; `?` where nobody scored.")
    labels = Label(many=True)


FILTERS = {
    "version": Filter(
        serializers.IntegerField(min_value=1, max_value=2**31 - 1),
        lambda rows, version: rows.filter(version=version),
        {"type": "integer", "minimum": 1},
        "Only this version.",
    ),
    "scorer": Filter(
        serializers.RegexField(SCORER),
        lambda rows, scorer: rows.filter(scorer=scorer),
        {"type": "string"},
        "Only what this scorer said.",
    ),
}


def scoring(body: dict[str, Any]) -> Scoring:
    """The stages as codes, or everything that is wrong with them."""
    labels = body["labels"]
    if isinstance(labels, str):
        codes, problems = from_letters(labels)
    elif isinstance(labels, list):
        codes, problems = from_entries(labels)
    else:
        codes, problems = [], [Problem("/labels", "wrong_type", "expected a list or a string")]
    if not problems and set(codes) <= {UNSCORED}:
        problems = [Problem("/labels", "empty", "no epoch is scored")]
    if problems:
        raise Invalid(problems=problems)
    return Scoring(body["scorer"], body["source"], codes)


def from_letters(letters: str) -> tuple[list[int], list[Problem]]:
    if len(letters) > grid.MAX_EPOCHS:
        return [], [_too_many(len(letters))]
    codes = stages.codes_of(letters)
    detail = f"expected one of {stages.LETTERS}"
    problems = [
        Problem("/labels", "unknown_stage", detail, epoch_index=index)
        for index, code in enumerate(codes)
        if code is None
    ]
    return [UNSCORED if code is None else code for code in codes], problems


def from_entries(entries: list[Any]) -> tuple[list[int], list[Problem]]:
    if len(entries) > grid.MAX_EPOCHS:
        return [], [_too_many(len(entries))]
    by_index: dict[int, int] = {}
    problems: list[Problem] = []
    for position, entry in enumerate(entries):
        at = f"/labels/{position}"
        wrong = list(_wrong(at, entry))
        if not wrong and entry["epoch_index"] in by_index:
            wrong = [Problem(f"{at}/epoch_index", "repeated", "each epoch once")]
        problems += wrong
        if not wrong:
            by_index[entry["epoch_index"]] = stages.CODES[stages.spelt(entry["stage"])]
    codes = [by_index.get(index, UNSCORED) for index in range(max(by_index, default=-1) + 1)]
    return codes, problems


def _wrong(at: str, entry: Any) -> Iterator[Problem]:
    if not isinstance(entry, dict):
        yield Problem(at, "wrong_type", "expected an object")
        return
    for name in sorted(ENTRY_FIELDS - entry.keys()):
        yield Problem(f"{at}/{name}", "required", "this field is missing")
    for name in sorted(entry.keys() - ENTRY_FIELDS):
        yield Problem(f"{at}/{name[:64]}", "unknown_field", "this field is not known")
    index, stage = entry.get("epoch_index", 0), entry.get("stage", "W")
    if isinstance(index, bool) or not isinstance(index, int):
        yield Problem(f"{at}/epoch_index", "wrong_type", "expected a whole number")
    elif not 0 <= index < grid.MAX_EPOCHS:
        yield Problem(f"{at}/epoch_index", "out_of_range", f"0 to {grid.MAX_EPOCHS - 1}")
    if not isinstance(stage, str) or stages.spelt(stage) not in stages.CODES:
        yield Problem(f"{at}/stage", "unknown_stage", f"expected one of {', '.join(stages.NAMES)}")


def _too_many(count: int) -> Problem:
    return Problem("/labels", "too_long", f"at most {grid.MAX_EPOCHS} epochs, got {count}")


def labels(row: LabelSet) -> dict[str, Any]:
    return {
        "version": row.version,
        "scorer": row.scorer,
        "source": row.source,
        "created_at": row.created_at,
        "stages": stages.letters_of(row.stages),
        "labels": [
            {"epoch_index": index, "stage": stages.name_of(code)}
            for index, code in enumerate(row.stages)
            if code != UNSCORED
        ],
    }
