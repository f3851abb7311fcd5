"""A candidate: fitted to one side of a snapshot, judged by the other beside nulls and others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from inference.artifacts import Loaded, files_of
from mlops.datasets import Part, Snapshot
from mlops.training import candidate_card
from mlops.training.candidate_figures import Judged, judge
from mlops.training.recipes import RECIPES, Order

Tell = Callable[[float, str], None]


@dataclass(frozen=True)
class Made:
    files: Mapping[str, bytes]
    judged: Judged


def make(order: Order, snapshot: Snapshot, others: Mapping[str, Loaded], tell: Tell) -> Made:
    """The same order and snapshot give the same files; the others are only judged beside."""
    snapshot.check()
    fitting = snapshot.of(Part.FIT)
    people = len({night.person for night in fitting})
    tell(0.05, f"fitting {order.recipe} to {len(fitting)} nights of {people} people")
    draft = RECIPES[order.recipe].draft(order, fitting)
    tell(0.8, "fitted; judging by the nights held out")
    judged = judge(order.family, draft, snapshot, others)
    tell(0.95, f"judged by {judged.nights} nights of {judged.people} people")
    metrics = {"held_out": {f"{name}, {order.family}": one for name, one in judged.figures.items()}}
    whole = replace(draft, metrics=metrics, card=candidate_card.markdown(order, snapshot, judged))
    return Made(files_of(whole), judged)
