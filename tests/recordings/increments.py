"""Exports in tests: run the command, read what it wrote."""

import csv
import io
import json
from collections import Counter
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from recordings.models import Epoch, LabelSet, Recording
from recordings.services import labels
from recordings.services.labels import Scoring

Rows = list[dict[str, str]]


def printed(*words: object) -> str:
    out = io.StringIO()
    call_command("export", *map(str, words), stdout=out)
    return out.getvalue()


def failure(*words: object) -> str:
    with pytest.raises(CommandError) as failed:
        printed(*words)
    return str(failed.value)


def rows_of(text: str) -> Rows:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def increment(folder: Path, kind: str, number: int, *words: str) -> Rows:
    path = folder / f"{kind}-{number}.csv"
    printed(kind, "--output", path, "--since-last", "--json", *words)
    return rows_of(path.read_text())


def manifest_of(path: Path) -> dict[str, object]:
    return json.loads(path.with_name(f"{path.name}.manifest.json").read_text())


def keys(rows: Rows) -> Counter[tuple[str, int]]:
    return Counter((row["recording_id"], int(row["epoch_index"])) for row in rows)


def stored_keys() -> Counter[tuple[str, int]]:
    uuids = dict(Recording.objects.values_list("pk", "uuid"))
    rows = Epoch.objects.values_list("recording_id", "epoch_index")
    return Counter((str(uuids[recording]), index) for recording, index in rows)


def score(recording: Recording, letters: str, scorer: str = "rater-7") -> LabelSet:
    codes = [int(letter) for letter in letters]
    scoring = Scoring(scorer, "psg", codes)
    return labels.add_labels(recording=recording, scoring=scoring)[0]
