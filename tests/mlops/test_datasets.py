"""Splits by person, leaks refused, checksums that stand for content."""

from dataclasses import replace

import numpy as np
import pytest

from mlops.datasets import (
    LabelledNight,
    Leak,
    check_apart,
    content_mark,
    folds_by_subject,
    snapshot_checksum,
    subject_mark,
)


def night(source: str, subject: str, name: str, seed: int) -> LabelledNight:
    random = np.random.default_rng(seed)
    features = random.random((20, 3)).astype(np.float32)
    features[seed % 20] = np.nan
    return LabelledNight(subject, features, np.zeros(20, np.int8), source, name)


NIGHTS = [
    night(source, f"s{subject}", f"s{subject}-{part}", 100 * subject + part + len(source))
    for source in ("one", "other")
    for subject in range(5)
    for part in range(2)
]


def test_each_person_is_held_out_once_and_never_taught_with() -> None:
    folds = folds_by_subject(NIGHTS, 4)

    held_out = [each for fold in folds for each in fold.held_out]
    assert len(held_out) == len(NIGHTS)
    assert {id(each) for each in held_out} == {id(each) for each in NIGHTS}
    for fold in folds:
        assert len(fold.fitting) + len(fold.held_out) == len(NIGHTS)
        assert not {n.person for n in fold.fitting} & {n.person for n in fold.held_out}


def test_people_of_each_source_are_spread_over_the_folds() -> None:
    for fold in folds_by_subject(NIGHTS, 5):
        assert {each.source for each in fold.held_out} == {"one", "other"}


def test_the_order_of_the_nights_changes_no_fold() -> None:
    one = folds_by_subject(NIGHTS, 3)
    other = folds_by_subject(NIGHTS[::-1], 3)

    for before, after in zip(one, other, strict=True):
        assert {id(n) for n in before.held_out} == {id(n) for n in after.held_out}


def test_the_same_name_in_two_sources_is_two_people() -> None:
    assert subject_mark(NIGHTS[0]) == subject_mark(NIGHTS[1]) != subject_mark(NIGHTS[10])


def test_a_person_on_both_sides_is_a_leak() -> None:
    with pytest.raises(Leak, match="one/s0"):
        check_apart(NIGHTS[:1], NIGHTS[1:2])


def test_a_copy_under_another_name_is_a_leak() -> None:
    copy = replace(NIGHTS[0], subject="somebody", name="else")

    with pytest.raises(Leak, match="a copy of one/s0-0"):
        check_apart(NIGHTS[:1], [copy])
    with pytest.raises(Leak, match="copy"):
        folds_by_subject([*NIGHTS, copy], 11)


@pytest.mark.parametrize(("nights", "count"), [(NIGHTS[:2], 3), (NIGHTS, 1)])
def test_nobody_can_be_held_out_of_one(nights: list[LabelledNight], count: int) -> None:
    with pytest.raises(Leak, match="fewer than two"):
        folds_by_subject(nights, count)


def test_a_checksum_stands_for_content_and_not_for_order() -> None:
    checksum = snapshot_checksum(NIGHTS)

    scored = replace(NIGHTS[0], stages=np.ones(20, np.int8))
    renamed = replace(NIGHTS[0], subject="other")
    assert snapshot_checksum(NIGHTS[::-1]) == checksum
    for changed in (scored, renamed):
        assert snapshot_checksum([changed, *NIGHTS[1:]]) != checksum
    assert snapshot_checksum(NIGHTS[1:]) != checksum


def test_a_gap_is_one_content_whatever_its_bits() -> None:
    bits = NIGHTS[0].features.copy()
    bits.view(np.uint32)[np.isnan(bits)] = 0xFFC00001

    assert content_mark(replace(NIGHTS[0], features=bits)) == content_mark(NIGHTS[0])
