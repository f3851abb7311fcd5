"""Snapshots as arrays and as a file: sides, copies, bytes, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from mlops.datasets import (
    LabelledNight,
    Leak,
    Part,
    Snapshot,
    SnapshotUnfit,
    packed,
    snapshot_of,
    unpacked,
)
from mlops.sources import COLUMNS


def night(subject: str, seed: int, name: str = "", source: str = "here") -> LabelledNight:
    random = np.random.default_rng(seed)
    features = random.normal(0, 1, (40, len(COLUMNS))).astype(np.float32)
    features[3] = np.nan
    stages = random.integers(-1, 4, 40).astype(np.int8)
    return LabelledNight(subject, features, stages, source, name or f"night-{seed}")


def snapshot(nights: list[LabelledNight], **how: float) -> Snapshot:
    asked = {"held_out": 0.3, "seed": 1} | how
    return snapshot_of(nights, schema="noctis_v1", **asked)  # type: ignore[arg-type]  # as given


NIGHTS = [night(f"p{seed % 7}", seed) for seed in range(20)]


def test_a_person_is_on_one_side_and_the_wanted_share_is_held_out() -> None:
    found = snapshot(NIGHTS)

    fit, out = ({one.person for one in found.of(part)} for part in Part)
    assert fit & out == set()
    assert len(fit | out) == 7
    assert 0.3 <= len(found.of(Part.HELD_OUT)) / 20 <= 0.5


@pytest.mark.parametrize("seed", range(8))
def test_the_order_in_which_nights_are_found_changes_no_byte(seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(NIGHTS))

    again = snapshot([NIGHTS[place] for place in order])

    assert packed(again) == packed(snapshot(NIGHTS))


def test_another_seed_holds_others_out() -> None:
    sides = {tuple(snapshot(NIGHTS, seed=seed).parts) for seed in range(8)}

    assert len(sides) > 4


def test_a_night_that_is_there_twice_is_kept_once_and_its_people_stay_together() -> None:
    """The same measurements under another name and other scores: whose are they?"""
    for seed in range(20):
        twin = replace(NIGHTS[0], subject="p1", name="copied", stages=NIGHTS[5].stages)

        found = snapshot([*NIGHTS, twin], seed=seed)

        assert [one.name for one in found.copies] == ["copied"]
        assert len(found.nights) == 20
        sides = {
            part
            for one, part in zip(found.nights, found.parts, strict=True)
            if one.subject in ("p0", "p1")
        }
        assert len(sides) == 1


def test_a_copy_on_the_other_side_is_refused_where_somebody_made_the_sides() -> None:
    twin = replace(NIGHTS[0], subject="p9", name="copied", stages=NIGHTS[5].stages)

    with pytest.raises(Leak, match="measured on the other side"):
        Snapshot([NIGHTS[0], twin], [Part.FIT, Part.HELD_OUT], "noctis_v1").check()


def test_one_person_cannot_be_split() -> None:
    with pytest.raises(Leak, match="fewer than two"):
        snapshot([night("p1", seed) for seed in range(5)])


def test_a_file_gives_back_what_was_put_in() -> None:
    found = snapshot(NIGHTS)

    back = unpacked(packed(found))

    assert back.checksum == found.checksum
    assert list(back.parts) == list(found.parts)
    assert back.schema == "noctis_v1"
    for one, other in zip(back.nights, found.nights, strict=True):
        assert (one.source, one.subject, one.name) == (other.source, other.subject, other.name)
        np.testing.assert_array_equal(one.features, other.features)
        np.testing.assert_array_equal(one.stages, other.stages)


def test_a_gap_has_one_spelling() -> None:
    """A NaN of another bit pattern is the same gap."""
    odd = NIGHTS[0].features.copy()
    odd.view(np.uint32)[np.isnan(odd)] = 0x7FC12345

    again = snapshot([replace(NIGHTS[0], features=odd), *NIGHTS[1:]])

    assert packed(again) == packed(snapshot(NIGHTS))


def test_numpy_reads_the_file_without_us(tmp_path: object) -> None:
    path = tmp_path / "nights.npz"  # type: ignore[operator]  # a Path
    path.write_bytes(packed(snapshot(NIGHTS)))

    with np.load(path, allow_pickle=False) as found:
        assert found["features"].shape == (800, 15)
        assert found["first"].tolist() == list(range(0, 801, 40))
        assert set(found["part"].tolist()) == {0, 1}


def test_the_checksum_changes_with_every_part_of_the_content() -> None:
    base = snapshot(NIGHTS)
    other_stage = NIGHTS[0].stages.copy()
    other_stage[0] = (other_stage[0] + 2) % 4
    changed = [
        replace(NIGHTS[0], stages=other_stage),
        replace(NIGHTS[0], name="other"),
        replace(NIGHTS[0], features=NIGHTS[0].features + 1),
    ]

    found = {snapshot([one, *NIGHTS[1:]]).checksum for one in changed}
    found.add(replace(base, parts=[Part(1 - part) for part in base.parts]).checksum)
    found.add(replace(base, schema="noctis_v2").checksum)

    assert len(found | {base.checksum}) == 6


@pytest.mark.parametrize("raw", [b"", b"PK", b"no archive at all", packed(snapshot(NIGHTS))[:-40]])
def test_what_is_no_snapshot_is_refused(raw: bytes) -> None:
    with pytest.raises(SnapshotUnfit):
        unpacked(raw)


def test_the_scored_epochs_are_counted_by_part_and_stage() -> None:
    found = snapshot(NIGHTS)

    counts = found.stage_counts

    scored = sum(int((one.stages >= 0).sum()) for one in found.of(Part.HELD_OUT))
    assert sum(counts["held_out"].values()) == scored
    assert list(counts["fit"]) == ["W", "Light", "Deep", "REM"]
