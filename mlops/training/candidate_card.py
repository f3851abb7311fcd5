"""The card of a candidate: what it was fitted to, how it was judged, what it is not for."""

from typing import Any

from mlops.datasets import Part, Snapshot
from mlops.evaluation.markdown import number, table
from mlops.training.candidate_figures import Judged
from mlops.training.provenance import SIMULATED
from mlops.training.recipes import RECIPES, Order

LEAD = """**A candidate, made by this platform from a snapshot of its own labelled nights.** Nobody
has looked at it yet. The figures are of people that it was not fitted to, on their nights alone."""
MADE_UP = """**Nights of it are simulated**: no figure below says anything about how well it stages
real sleep."""
FORBIDDEN = (
    "Any diagnosis, treatment or decision about a person's health.",
    "Claims about nights unlike those below: nothing is known of them.",
)
HEAD = ("", "nights", "accuracy", "κ (95 % by subject)", "macro-F1", "smallest recall", "ECE")


def markdown(order: Order, snapshot: Snapshot, judged: Judged) -> str:
    parts = [
        f"# {order.version}",
        LEAD.replace("\n", " "),
        MADE_UP.replace("\n", " ") if _is_made_up(snapshot) else "",
        f"## Held out: {judged.nights} nights of {judged.people} people, {judged.family} pass",
        table(HEAD, [_row(name, one) for name, one in judged.figures.items()]),
        *(f"Not judged: {name} {why}." for name, why in judged.unjudged.items()),
        f"{judged.left_out} nights were left out, because one of the others was fitted to them."
        if judged.left_out
        else "",
        "## Data",
        f"A snapshot, schema `{snapshot.schema}`: fitted to {len(snapshot.of(Part.FIT))} nights, "
        f"{len(snapshot.of(Part.HELD_OUT))} held out. The manifest has its checksum, and people "
        "as marks.",
        "## Recipe",
        f"`{order.recipe}`, revision `{RECIPES[order.recipe].revision}`, seed {order.seed}, "
        f"{order.values or 'nothing to set'}.",
        "## Not to be used for",
        "\n".join(f"- {line}" for line in FORBIDDEN),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _is_made_up(snapshot: Snapshot) -> bool:
    return any(night.source == SIMULATED for night in snapshot.nights)


def _row(name: str, one: dict[str, Any]) -> list[str]:
    low, high = one["kappa_interval"]
    return [
        name,
        str(one["nights"]),
        number(one["accuracy"]),
        f"{number(one['kappa'])} ({number(low)} to {number(high)})",
        number(one["macro_f1"]),
        number(one["smallest_recall"]),
        number(one["expected_calibration_error"]),
    ]
