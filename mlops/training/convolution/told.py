"""The words and tables of a net's card."""

from collections.abc import Mapping
from typing import Any

from inference.engine import Pass
from mlops.training.convolution.design import USED, Design
from recordings.stages import SHOWN

Figures = Mapping[str, Mapping[str, Any]]
SUMMARY: Mapping[Pass, str] = {
    "night": "Convolution nets and a linear model over the whole night. Experimental: validated on "
    "wearable and ECG data, never on this radar.",
    "live": "Convolution net that sees only the past, for live staging. Experimental: validated "
    "on ECG data, never on this radar.",
}
LEAD: Mapping[Pass, str] = {
    "night": "Stages a night that is over, from an hour of what came before and after each epoch. "
    "One model for nights with heart and breathing, with movement, or with both: what a night "
    "lacks is masked.",
    "live": "Stages the newest epochs while the sleeper sleeps, from the two hours before them. "
    "The wrist's spread of heart rate looks ahead, so it neither taught nor judges this model.",
}
HOW = (
    "leave-subjects-out: all of the training once more without some people, again and again, and "
    "answers for those; temperatures and priors tuned on people that the weights had not seen."
)
BESIDE = " and, added to it, those of linear models such as `linear-1`"
SETS = {
    "slpdb": "slpdb: heart and breathing, men with suspected sleep apnoea",
    "walch": "walch: a wrist's movement and spread of heart rate, healthy people",
}
COLUMNS = (
    ("subjects", "subjects", 0),
    ("accuracy", "accuracy", 2),
    ("kappa", "κ", 2),
    ("kappa_interval", "95 %", 2),
    ("macro_f1", "macro-F1", 2),
    ("smallest_recall", "smallest recall", 2),
    ("sleep_wake_kappa", "sleep/wake κ", 2),
    ("expected_calibration_error", "calibration error", 3),
    ("kappa_by_subject", "κ by subject, mean and deviation", 2),
    ("coverage", "staged", 2),
)


def card(version: str, design: Design, command: str, figures: Figures) -> str:
    window = design.window
    family: Pass = "live" if design.is_causal else "night"
    lines = [
        f"# {version}",
        "**Experimental: validated on wearable and ECG data.** No recording of this radar beside "
        "polysomnography exists, so nothing here says how well nights of this device are staged.",
        LEAD[family],
        "## On people it has never seen",
        _overall(figures),
        _stages(figures),
        f"How: {HOW}",
        "With so few people a difference of 0.04 in κ is noise. Two human scorers agree at 0.76.",
        "## Data",
        "- MIT-BIH Polysomnographic Database 1.0.0, PhysioNet, doi 10.13026/C23K5S (Ichimaru and "
        "Moody 1999; Goldberger et al. 2000).\n"
        "- Motion and heart rate from a wrist-worn wearable and labeled sleep from polysomnography "
        "1.0.0, PhysioNet, doi 10.13026/hmhs-py35 (Walch et al., SLEEP 42(12), zsz180, 2019).\n"
        "- Both under the Open Data Commons Attribution License 1.0. None of it is in the folder: "
        "the golden vectors are of a simulated night.",
        "## Features",
        f"Used: {', '.join(f'`{name}`' for name in USED)}; each may be missing. Others are not "
        "looked at, except that they tell whether somebody is there.",
        f"{design.members} nets of {len(design.dilations)} dilated layers, {design.channels} "
        f"channels, their logits' mean{BESIDE if design.linear_counts else ''}; an epoch is staged "
        f"from {window.before} epochs before it and {window.after} after it.",
        "## Where it fails",
        "- REM and deep sleep of people with sleep apnoea are often missed without movement.\n"
        "- Lying awake without moving is taken for light sleep.\n"
        "- A night's minutes of REM and of deep sleep are off by 30 and more.\n"
        "- A radar's rates are noisier than those of an ECG: expect less than the table.",
        "## Not to be used for",
        "- Diagnosis, treatment, or any decision on a person's health.\n"
        "- A claim of quality of the device: it was never judged on it.",
        "## To make it again",
        f"    {command}",
        "With the `train` extra and the data's folder in `NOCTIS_DATA_DIR`. The same machine gives "
        "the same artifact hash; another one was not tried.",
    ]
    return "\n\n".join(line for line in lines if line) + "\n"


def _overall(figures: Figures) -> str:
    head = ["", *(title for _, title, _ in COLUMNS)]
    rows = [
        [SETS.get(source, source), *(_shown(found[name], digits) for name, _, digits in COLUMNS)]
        for source, found in figures.items()
    ]
    return _table(head, rows)


def _stages(figures: Figures) -> str:
    rows = [
        [source, *(f"{_shown(found['recall'][s], 2)} / {_shown(found['f1'][s], 2)}" for s in SHOWN)]
        for source, found in figures.items()
    ]
    return _table(["recall / F1", *SHOWN], rows)


def _shown(value: Any, digits: int) -> str:
    if isinstance(value, (list, tuple)):
        return " to ".join(_shown(one, digits) for one in value)
    return "-" if value is None else f"{value:.{digits}f}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
