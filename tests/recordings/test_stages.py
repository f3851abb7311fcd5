"""The one table of stage names: every spelling has one code, every code one letter and name."""

import numpy as np
import pytest
from django.conf import settings

from recordings import stages


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("W", 0),
        ("wake", 0),
        ("N1", 1),
        ("s1", 1),
        ("N2", 2),
        (" n2 ", 2),
        ("N3", 3),
        ("S4", 3),
        ("Deep", 3),
        ("REM", 4),
        ("r", 4),
        ("Light", 5),
        ("unscored", -1),
        ("?", -1),
    ],
)
def test_five_and_four_stage_names_go_through_one_table(name: str, code: int) -> None:
    assert stages.code_of(name) == code


@pytest.mark.parametrize("name", ["", "N4", "Sleep", "WW", "NREM", "\x00"])
def test_what_is_no_stage_has_no_code(name: str) -> None:
    assert stages.code_of(name) is None


def test_no_spelling_stands_for_two_stages() -> None:
    spellings = [
        spelling
        for stage in stages.STAGES
        for spelling in {stage.name.lower(), stage.letter.lower(), *stage.aliases}
    ]

    assert len(spellings) == len(set(spellings)) == len(stages.CODES)


def test_letters_come_back_as_they_went_in() -> None:
    codes = stages.codes_of(stages.LETTERS)

    assert stages.letters_of([code for code in codes if code is not None]) == stages.LETTERS
    assert stages.codes_of("w x") == [0, None, None]


def test_each_label_counts_as_one_of_the_four() -> None:
    shown = {stage.name: stage.shown for stage in stages.STAGES}

    assert shown["N1"] == shown["N2"] == "Light"
    assert {name for name in shown.values() if name} == set(stages.SHOWN)
    assert shown["unscored"] is None


def test_the_table_in_the_documents_is_the_table() -> None:
    page = (settings.BASE_DIR / "docs" / "api.md").read_text()

    rows = [
        f"| `{stage.name}` | `{stage.letter}` | {', '.join(f'`{a}`' for a in stage.aliases)} |"
        for stage in stages.STAGES
    ]

    assert [row for row in rows if row not in page] == []


def test_every_code_counts_as_one_of_the_four_or_as_unknown() -> None:
    codes = np.array([[stage.code for stage in stages.STAGES]], np.int16)

    places = stages.shown_places(codes)

    told = [None if place < 0 else stages.SHOWN[place] for place in places[0]]
    assert told == [stage.shown for stage in stages.STAGES]
    assert told == ["W", "Light", "Light", "Deep", "REM", "Light", None]


def test_codes_count_on_from_zero_and_unscored_is_the_last() -> None:
    assert [stage.code for stage in stages.STAGES] == [0, 1, 2, 3, 4, 5, -1]


def test_a_night_nobody_staged_has_no_places() -> None:
    assert stages.shown_places(np.empty(0, np.int16)).tolist() == []
