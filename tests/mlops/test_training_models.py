"""The linear model and the clock: the rows they are fitted to, their parts, how they are judged."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, f1_score

from inference.engine import Columns, Fixed, Window, stage_night
from mlops.simulator.tables import FEATURES
from mlops.training import clock, decoder, judging, linear, nights, reference, softmax
from mlops.training.linear import Design
from mlops.training.nights import LabelledNight, Parts
from mlops.training.softmax import Recipe
from mlops.training.toys import EVIDENCE
from recordings.stages import SHOWN

DESIGN = Design(
    SHOWN, FEATURES, EVIDENCE, left_out=("flags", "agree_flags"), recipe=Recipe(iterations=60)
)


@pytest.fixture(scope="module")
def parts() -> Parts:
    return nights.simulated(10, 4, seed=2)


def test_a_row_is_the_window_around_its_epoch_with_zeros_for_gaps() -> None:
    features = np.array([[1, 10], [2, np.nan], [np.nan, np.nan], [4, 40]], np.float32)
    night = LabelledNight("one", features, np.array([0, 1, 2, -1], np.int8))
    design = Design(
        ("W", "REM", "N1"),
        ("a", "b"),
        ("a",),
        window=Window(1, 1, 1),
        normalisation=Fixed(np.zeros(2), np.ones(2)),
        columns=Columns(("features", "known", "elapsed")),
        blind_every=2,
    )

    rows, classes = linear.rows_of(design, [night])

    # Of each place a, b, known; elapsed only of the middle one. The third epoch is unknown, the
    # last of no stage.
    middle = 1 / 960
    assert rows.tolist() == pytest.approx(
        np.array(
            [
                [0, 0, 0, 1, 10, 1, 0, 2, 0, 1],
                [1, 10, 1, 2, 0, 1, middle, 0, 0, 0],
                # Every second of these again, without its future.
                [0, 0, 0, 1, 10, 1, 0, 0, 0, 0],
            ]
        ),
        abs=softmax.VALUE_GRAIN / 2,
    )
    assert classes.tolist() == [0, 1, 0]


def test_what_knows_too_little_trains_nothing() -> None:
    features = np.full((30, 2), np.nan, np.float32)
    features[10:13] = 1
    night = LabelledNight("one", features, np.zeros(30, np.int8))
    design = Design(("W", "REM"), ("a", "b"), ("a", "b"), window=Window(2, 0, 3), blind_every=100)

    rows, _ = linear.rows_of(design, [night])

    assert len(rows) == 1 + 1


def test_the_model_answers_what_its_fit_answers_for_the_same_rows(parts: Parts) -> None:
    model = replace(linear.train(DESIGN, parts.fitting[:3], parts.tuning), decoder=None)
    night = parts.held_out[0]
    rows, _ = linear.rows_of(replace(DESIGN, blind_every=100_000), [night])

    staged = stage_night(model, night.night)

    assert model.head.weights[~DESIGN.used].any() is np.False_
    logits = rows @ model.head.weights[DESIGN.used] + model.head.bias
    shares = np.exp(logits / model.temperature)
    shares /= shares.sum(axis=1, keepdims=True)
    # The last row is the one that is always shown again; rows are rounded, a night is not.
    assert staged.probabilities[staged.is_staged] == pytest.approx(shares[:-1], abs=5e-3)


def test_training_twice_gives_the_same_bytes(parts: Parts) -> None:
    one, two = (linear.train(DESIGN, parts.fitting[:3], parts.tuning) for _ in range(2))

    assert one.head.weights.tobytes() == two.head.weights.tobytes()
    assert one.temperature == two.temperature
    assert one.decoder.prior.tobytes() == two.decoder.prior.tobytes()


def test_a_linear_model_beats_the_clock_and_is_not_too_good_to_be_true(parts: Parts) -> None:
    null = clock.train(SHOWN, FEATURES, EVIDENCE, parts.fitting, parts.tuning)
    model = linear.train(DESIGN, parts.fitting, parts.tuning)

    by_clock = judging.judge(null, parts.held_out, "night").kappa
    night = judging.judge(model, parts.held_out, "night").kappa
    live = judging.judge(model, parts.held_out, "live").kappa

    assert 0 < by_clock < 0.3
    assert by_clock + 0.15 < live < night < 0.75


def test_the_clock_reads_nothing_of_the_sleeper(parts: Parts) -> None:
    model = clock.train(SHOWN, FEATURES, EVIDENCE, parts.fitting, parts.tuning)
    one, other = (
        replace(parts.held_out[0], features=np.full((900, 15), value, np.float32))
        for value in (1, 70)
    )

    answers = [stage_night(model, night.night) for night in (one, other)]

    assert answers[0].stages.tobytes() == answers[1].stages.tobytes()
    by_hand = np.zeros(4)
    for night in parts.fitting:
        by_hand += np.bincount(night.stages[40:60], minlength=4)
    by_hand += clock.EPOCHS_PER_BIN * decoder.shares([n.stages for n in parts.fitting], 4)
    assert answers[0].probabilities[50] == pytest.approx(by_hand / by_hand.sum(), abs=1e-5)


def test_nights_are_judged_as_scikit_learn_judges_them(parts: Parts) -> None:
    model = clock.train(SHOWN, FEATURES, EVIDENCE, parts.fitting, parts.tuning)

    judged = judging.judge(model, parts.held_out, "night")

    truth, given, labelled = [], [], 0
    for night in parts.held_out:
        staged = stage_night(model, night.night)
        codes = {code: place for place, code in enumerate(model.codes.tolist())}
        labelled += len(night.stages)
        for true, code in zip(night.stages.tolist(), staged.stages.tolist(), strict=True):
            if code in codes:
                truth.append(true)
                given.append(codes[code])
    assert judged.kappa == pytest.approx(cohen_kappa_score(truth, given))
    assert judged.report.macro_f1 == pytest.approx(f1_score(truth, given, average="macro"))
    assert judged.coverage == pytest.approx(len(truth) / labelled)
    assert judged.figures["kappa_interval"][0] < judged.kappa < judged.figures["kappa_interval"][1]


def test_always_the_commonest_agrees_no_better_than_chance(parts: Parts) -> None:
    most = judging.commonest(parts.fitting)

    judged = judging.judge_majority(SHOWN, parts.held_out, most)

    assert SHOWN[most] == "Light"
    assert judged.kappa == 0
    assert judged.report.accuracy == pytest.approx(
        np.mean(np.concatenate([night.stages for night in parts.held_out]) == most)
    )


def test_no_sleeper_is_on_both_sides(parts: Parts) -> None:
    groups = [parts.fitting, parts.tuning, parts.held_out]

    assert [len(group) for group in groups] == [8, 2, 4]
    assert len({night.subject for group in groups for night in group}) == 14
    assert len({night.features.tobytes() for group in groups for night in group}) == 14


def test_the_drift_reference_says_how_training_was_spread(parts: Parts) -> None:
    said = reference.drift_reference(SHOWN, FEATURES, parts.fitting)

    together = np.concatenate([night.features for night in parts.fitting])
    heart = together[:, FEATURES.index("hr_mean")]
    assert said["nights"] == 8
    assert said["features"]["hr_mean"]["missing"] == pytest.approx(np.isnan(heart).mean(), abs=1e-6)
    assert said["features"]["hr_mean"]["shares"] == pytest.approx([0.1] * 10, abs=0.002)
    # Mostly 0, so that most tenths are one.
    assert len(said["features"]["turnovers_delta"]["edges"]) < 9
    for row in said["features"].values():
        assert sum(row["shares"]) == pytest.approx(1, abs=1e-5)
        assert len(row["shares"]) == len(row["edges"]) + 1
    assert sum(said["stages"].values()) == pytest.approx(1, abs=1e-5)


def test_a_feature_that_was_never_measured_has_no_reference() -> None:
    night = LabelledNight("one", np.full((5, 1), np.nan, np.float32), np.zeros(5, np.int8))

    said = reference.drift_reference(("W", "REM"), ("a",), [night])

    assert said["features"]["a"]["missing"] == 1.0
    assert said["features"]["a"]["shares"] == []
