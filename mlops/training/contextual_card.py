"""The card of a contextual linear model: words here, tables from what was judged."""

from collections.abc import Sequence

from mlops.evaluation import markdown
from mlops.evaluation.markdown import Judgement
from mlops.training.contextual import SEEN
from mlops.training.provenance import SOURCES

LEAD = """**Experimental: validated on wearable and ECG data.** No recording of this device with
scored sleep exists, so nobody knows how well it stages this device's nights. A linear model over
40 minutes of context, one for all nights: what a night lacks is masked, and the weights depend on
whether movement is known. Every weight can be read (`GET /v1/predictions/{id}/explanation`)."""
WEAKNESSES = (
    "A night's REM and deep minutes are off by 30 minutes or more as a rule; see the limits below.",
    "REM in people with apnoea: heart and breathing then hardly tell it from light sleep.",
    "N1 and quiet wakefulness are taken for light sleep, and light sleep for both.",
    "Heart rate and breathing were never known together with movement in one training night: "
    "where movement is known they get no weight, and only the spread of the heart rate does.",
    "The live pass was judged on the ECG set alone: the wrist set's heart column looks ahead.",
    "In a night of movement alone, epochs in which nothing moves have no stage, unless the device "
    "says that somebody is in bed.",
)
FORBIDDEN = (
    "Any diagnosis, treatment or decision about a person's health.",
    "Claims about this device: no night of it was scored.",
    "Comparing a person's REM or deep sleep between nights by less than an hour.",
)


def markdown_card(version: str, judgements: Sequence[Judgement]) -> str:
    parts = [
        f"# {version}",
        LEAD.replace("\n", " "),
        "Every figure is of people that the weights, temperature and decoder judged had never "
        "seen: leave-subjects-out, all tuning within the training people by subject.",
        *(markdown.whole(one, is_by_subject=False).strip() for one in judgements),
        "## Data",
        _points([_source(judgement.source) for judgement in judgements]),
        "The nights themselves are not part of the platform. The manifest names the people that "
        "trained the version by marks, and it is never judged by them.",
        "## Features",
        f"Used: {', '.join(f'`{name}`' for name in SEEN)}, each with its means, spreads, maxima "
        "and change over 5, 10, 20 and 40 epochs to each side, and the time since the recording "
        "began. All others get no weight.",
        "## Where it fails",
        _points(WEAKNESSES),
        "## Not to be used for",
        _points(FORBIDDEN),
        "## To make it again",
        f"    manage.py train linear --version {version} --output models/{version}",
        "With the same nights in `NOCTIS_DATA_DIR` that gives the same artifact hash; another "
        "processor may differ in the last bits and then passes the golden vectors.",
    ]
    return "\n\n".join(parts) + "\n"


def _source(name: str) -> str:
    found = SOURCES.get(name)
    return name if found is None else f"{found.name}. {found.attribution}. {found.licence}."


def _points(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
