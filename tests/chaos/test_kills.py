"""The short form of `make kills`: eight kills of a real stack, and the comparison's own eyes."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from tests.chaos.ledger import Comparison, Ledger, Row, canonical, compare
from tests.chaos.night import Night, Piece
from tests.chaos.run import TARGETS, drawn, kill_and_compare
from tests.chaos.stack import running_stack

NIGHT = Night(0, "night-0", datetime(2026, 11, 20, 22, tzinfo=UTC))
Change = Callable[[list[Row], dict[str, tuple[int, int]]], None]


@pytest.mark.stack
def test_eight_kills_under_eight_writers_lose_double_and_alter_nothing() -> None:
    with running_stack(nights=8) as stack:
        result = kill_and_compare(stack, targets=drawn(8, seed=1), seed=1)

    assert result.comparison.is_sound, str(result)
    assert result.ledger.unexpected == []
    assert result.kills.keys() == TARGETS.keys()
    assert result.kills.total() == 8
    assert result.ledger.acknowledged.sum() > 500
    assert result.ledger.retries > 0


def compared(change: Change) -> Comparison:
    """Epochs 5 to 8 acknowledged, 9 sent; all rows as they must be but for the change."""
    ledger = Ledger([NIGHT])
    features = NIGHT.features
    ledger.note_sent(Piece(NIGHT, 5, features[5:10]))
    ledger.note_acknowledged(Piece(NIGHT, 5, features[5:9]))
    stored = canonical(features)
    rows: list[Row] = [("night-0", index, stored[index].tolist(), 0.0) for index in range(5, 9)]
    counted = {"night-0": (4, 8)}
    change(rows, counted)
    return compare(ledger, rows, counted)


def nothing(rows: list[Row], counted: dict[str, tuple[int, int]]) -> None:
    """Leave it."""


def one_lost(rows: list[Row], counted: dict[str, tuple[int, int]]) -> None:
    del rows[1]
    counted["night-0"] = (3, 8)


def one_twice(rows: list[Row], counted: dict[str, tuple[int, int]]) -> None:
    rows.append(rows[0])
    counted["night-0"] = (5, 8)


def one_altered(rows: list[Row], counted: dict[str, tuple[int, int]]) -> None:
    index, values = rows[0][1], np.array(rows[0][2], np.float32)
    values[~np.isnan(values)] = np.nextafter(values[~np.isnan(values)], np.float32(0))
    rows[0] = ("night-0", index, values.tolist(), 0.0)


def one_never_sent(rows: list[Row], counted: dict[str, tuple[int, int]]) -> None:
    rows.append(("night-0", 10, canonical(NIGHT.features)[10].tolist(), 0.0))
    counted["night-0"] = (5, 10)


def one_off_its_place(rows: list[Row], counted: dict[str, tuple[int, int]]) -> None:
    rows[0] = (*rows[0][:3], 30.0)


def miscounted(rows: list[Row], counted: dict[str, tuple[int, int]]) -> None:
    counted["night-0"] = (4, 9)


def sent_but_not_acknowledged(rows: list[Row], counted: dict[str, tuple[int, int]]) -> None:
    rows.append(("night-0", 9, canonical(NIGHT.features)[9].tolist(), 0.0))
    counted["night-0"] = (5, 9)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (nothing, ()),
        (sent_but_not_acknowledged, ()),
        (one_lost, ("lost",)),
        (one_twice, ("doubled",)),
        (one_altered, ("altered",)),
        (one_never_sent, ("not_sent",)),
        (one_off_its_place, ("misplaced",)),
        (miscounted, ("miscounted_nights",)),
    ],
)
def test_the_comparison_sees_each_offence_and_no_other(
    change: Change, found: tuple[str, ...]
) -> None:
    comparison = compared(change)

    assert {name: count for name, count in vars(comparison).items() if count} == dict.fromkeys(
        found, 1
    )
    assert comparison.is_sound is (not found)
