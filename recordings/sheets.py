"""Nights in a CSV file: every line is checked, every fault has its line. Pure."""

import csv
import math
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from noctis.errors import Problem
from recordings import batches, grid, stages
from recordings.batches import EpochBatch
from recordings.schemas import Feature

STARTED_AT, INDEX, STAGE, SUBJECT = "recording_started_at", "epoch_index", "stage", "subject"
NEEDED, OPTIONAL = (STARTED_AT, INDEX), (STAGE, SUBJECT)
# As the database asks of a subject: a pseudonym.
PSEUDONYM = re.compile(r"[A-Za-z0-9._-]{1,64}")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass
class SheetNight:
    """The epochs of one recording in the file's order; NaN for a gap."""

    started_at: datetime
    subject: str = ""
    # The line that each index came from.
    lines: dict[int, int] = field(default_factory=dict)
    stages: list[int] = field(default_factory=list)
    values: "array[float]" = field(default_factory=lambda: array("d"))

    @property
    def scored(self) -> list[int]:
        """The stages in index order, as a label set holds them."""
        codes = [stages.UNSCORED] * (max(self.lines) + 1)
        for index, code in zip(self.lines, self.stages, strict=True):
            codes[index] = code
        return codes

    def batch(self, schema: Sequence[Feature]) -> EpochBatch:
        rows: list[batches.Row] = list(self.matrix(schema).tolist())
        starts = [grid.epoch_start(self.started_at, index).timestamp() for index in self.lines]
        return batches.assembled(list(self.lines), rows, starts, schema)

    def out_of_range(self, schema: Sequence[Feature]) -> Iterator[Problem]:
        """What the schema does not allow, looked at in the precision that is stored."""
        with np.errstate(over="ignore"):
            matrix = self.matrix(schema).astype(np.float32)
        low, high = batches.limits(schema)
        is_good = np.isnan(matrix) | (np.isfinite(matrix) & (matrix >= low) & (matrix <= high))
        lines = list(self.lines.values())
        for row, column in np.argwhere(~is_good).tolist():
            feature = schema[column]
            allowed = f"at least {feature.minimum}, at most {feature.maximum}"
            yield Problem(f"line {lines[row]} {feature.name}", "out_of_range", allowed)

    def matrix(self, schema: Sequence[Feature]) -> NDArray[np.float64]:
        return np.frombuffer(self.values, np.float64).reshape(len(self.lines), len(schema))


class Sheet:
    """What a file holds, and what is wrong with it; nothing of it is good if anything is wrong."""

    def __init__(self, schema: Sequence[Feature]) -> None:
        self.schema = schema
        self.names = [feature.name for feature in schema]
        self.nights: dict[datetime, SheetNight] = {}
        self.problems: list[Problem] = []
        self.columns: list[str] = []

    @property
    def has_stages(self) -> bool:
        return STAGE in self.columns

    def read(self, text: Iterable[str]) -> None:
        """Take in a whole file; `text` gives its lines."""
        reader = csv.reader(text, strict=True)
        try:
            self._read_header(next(reader, []))
            if not self.problems:
                for cells in reader:
                    self._read_line(reader.line_num, cells)
        except csv.Error as error:
            self._refuse(reader.line_num, "", "not_csv", str(error))
        for night in self.nights.values():
            self.problems += night.out_of_range(self.schema)
        if not self.problems and not self.nights:
            self._refuse(1, "", "empty", "no epochs")

    def _read_header(self, columns: list[str]) -> None:
        wanted = [*NEEDED, *self.names]
        for name in wanted:
            if name not in columns:
                self._refuse(1, name, "required", "this column is missing")
        for name in dict.fromkeys(columns):
            if name not in wanted and name not in OPTIONAL:
                self._refuse(1, name[:64], "unknown_column", "this column is not known")
            elif columns.count(name) > 1:
                self._refuse(1, name, "repeated", "each column once")
        self.columns = columns

    def _read_line(self, line: int, cells: list[str]) -> None:
        if not cells:
            return
        if len(cells) != len(self.columns):
            detail = f"expected {len(self.columns)} cells, got {len(cells)}"
            self._refuse(line, "", "wrong_length", detail)
            return
        row = {name: cell.strip() for name, cell in zip(self.columns, cells, strict=True)}
        before = len(self.problems)
        started_at, index = self._started_at(line, row), self._index(line, row)
        values = [self._value(line, name, row[name]) for name in self.names]
        code, subject = self._stage(line, row), self._subject(line, row)
        if len(self.problems) > before or started_at is None:
            return
        night = self._night(line, started_at, subject)
        if index in night.lines:
            self._refuse(line, INDEX, "repeated", f"as in line {night.lines[index]}")
        else:
            night.lines[index] = line
            night.stages.append(code)
            night.values.extend(values)

    def _night(self, line: int, started_at: datetime, subject: str) -> SheetNight:
        night = self.nights.setdefault(started_at, SheetNight(started_at, subject))
        if night.subject != subject:
            self._refuse(line, SUBJECT, "contradiction", "another one than earlier in this night")
        return night

    def _started_at(self, line: int, row: dict[str, str]) -> datetime | None:
        try:
            at = datetime.fromisoformat(row[STARTED_AT])
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            detail = "expected an RFC 3339 instant with an offset"
            self._refuse(line, STARTED_AT, "bad_instant", detail)
            return None
        return at

    def _index(self, line: int, row: dict[str, str]) -> int:
        text = row[INDEX]
        if text.isascii() and text.isdecimal() and len(text) <= 9 and int(text) < grid.MAX_EPOCHS:
            return int(text)
        self._refuse(line, INDEX, "out_of_range", f"expected 0 to {grid.MAX_EPOCHS - 1}")
        return 0

    def _value(self, line: int, name: str, text: str) -> float:
        if not text:
            return math.nan
        if not NUMBER.fullmatch(text):
            self._refuse(line, name, "wrong_type", "expected a number, or nothing for a gap")
            return math.nan
        return float(text)

    def _stage(self, line: int, row: dict[str, str]) -> int:
        text = row.get(STAGE, "")
        code = stages.code_of(text) if text else stages.UNSCORED
        if code is None:
            self._refuse(line, STAGE, "unknown_stage", f"one of {', '.join(stages.NAMES)}")
        return code or 0

    def _subject(self, line: int, row: dict[str, str]) -> str:
        text = row.get(SUBJECT, "")
        if text and not PSEUDONYM.fullmatch(text):
            detail = "a pseudonym: up to 64 letters, digits, dots, underscores, hyphens"
            self._refuse(line, SUBJECT, "invalid", detail)
        return text

    def _refuse(self, line: int, column: str, code: str, detail: str) -> None:
        self.problems.append(Problem(f"line {line} {column}".rstrip(), code, detail))
