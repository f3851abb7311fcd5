"""Candidates: the same order gives the same bytes, and nobody is judged by what taught them."""

from dataclasses import replace

import pytest

from inference.artifacts import Loaded, loaded
from mlops.datasets import LabelledNight, Leak, Part, Snapshot, snapshot_of
from mlops.simulator.nights import simulate
from mlops.training import candidates
from mlops.training.candidates import Made
from mlops.training.provenance import SIMULATED
from mlops.training.recipes import RECIPES, Order

QUICK = {"every": 30, "iterations": 3}
NIGHTS = [
    LabelledNight(f"p{place}", night.features[:400], night.stages[:400], "here", f"n{place}")
    for place, night in enumerate(simulate([(5, place) for place in range(6)]))
]


def snapshot(nights: list[LabelledNight] | None = None) -> Snapshot:
    return snapshot_of(nights or NIGHTS, held_out=0.3, seed=1, schema="noctis_v1")


def made(
    recipe: str = "clock", others: dict[str, Loaded] | None = None, of: Snapshot | None = None
) -> Made:
    values = QUICK if recipe == "linear" else {}
    order = Order("tried-1", recipe, "night", 1, values)
    return candidates.make(order, of or snapshot(), others or {}, lambda *_: None)


@pytest.mark.parametrize("recipe", ["clock", "linear"])
def test_the_same_order_and_snapshot_give_the_same_files(recipe: str) -> None:
    assert made(recipe).files == made(recipe).files


def test_only_the_side_to_fit_is_fitted() -> None:
    """Other nights on the side held out change the figures, and nothing of the model."""
    whole = snapshot()
    flipped = [
        replace(one, stages=one.stages[::-1].copy()) if part == Part.HELD_OUT else one
        for one, part in zip(whole.nights, whole.parts, strict=True)
    ]

    one, two = made("linear"), made("linear", of=replace(whole, nights=flipped))

    same = {name for name in one.files if one.files[name] == two.files[name]}
    assert {"weights.npy", "bias.npy"} <= same
    assert one.judged.figures != two.judged.figures


def test_others_are_judged_by_the_same_nights_less_those_that_taught_them() -> None:
    whole = snapshot()
    held_out = whole.of(Part.HELD_OUT)
    # One that was taught by a person of the held-out side, and one that was by all of them.
    taught = [*whole.of(Part.FIT), held_out[0]]
    some = loaded(made(of=_all_to_fit(taught, whole)).files)
    every = loaded(made(of=_all_to_fit(list(whole.nights), whole)).files)

    found = made(others={"some": some, "every": every}).judged

    assert found.left_out == 1
    assert found.nights == len(held_out) - 1
    assert found.unjudged == {"every": "was fitted to all the nights that are held out"}
    assert {one["nights"] for one in found.figures.values()} == {len(held_out) - 1}
    assert "every" not in found.figures


def _all_to_fit(nights: list[LabelledNight], like: Snapshot) -> Snapshot:
    stranger = replace(NIGHTS[0], subject="q", name="q", features=NIGHTS[0].features + 1)
    parts = [Part.FIT] * len(nights) + [Part.HELD_OUT]
    return Snapshot([*nights, stranger], parts, like.schema)


def test_a_snapshot_with_a_person_on_both_sides_is_fitted_to_by_nobody() -> None:
    mixed = Snapshot([NIGHTS[0], replace(NIGHTS[1], subject="p0")], [Part.FIT, Part.HELD_OUT], "v")

    with pytest.raises(Leak):
        made(of=mixed)


def test_the_card_says_what_is_made_up() -> None:
    simulated = [replace(one, source=SIMULATED) for one in NIGHTS]

    real, made_up = (made(of=snapshot(nights)).files["card.md"] for nights in (NIGHTS, simulated))

    assert b"simulated" not in real
    assert b"Nights of it are simulated" in made_up


@pytest.mark.parametrize(
    ("value", "fault"),
    [(0.05, ""), (1, ""), (True, "a number"), ("1", "a number"), (9_999, "from 0.001 to 1000")],
)
def test_a_hyperparameter_is_a_number_within_its_range(value: object, fault: str) -> None:
    assert fault in RECIPES["linear"].parameters["l2_times"].fault_of(value)
    assert bool(fault) == bool(RECIPES["linear"].parameters["l2_times"].fault_of(value))
