"""`manage.py evaluate`: a version on nights it never saw, or a trainer leave-subjects-out."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlops.evaluation import FOLDS
from mlops.evaluation.markdown import Judgement, whole
from mlops.services import judging, scored_nights
from mlops.services.judging import Judged
from mlops.services.scored_nights import Folder
from mlops.sources import FORMATS
from mlops.training.trainers import TRAINERS
from noctis import errors
from noctis.commands import NoctisCommand, Row

FEWEST, MOST = 2, 100


class Command(NoctisCommand):
    help = "Compare a model's stages with what people scored, beside the nulls; writes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        asked = parser.add_mutually_exclusive_group(required=True)
        asked.add_argument("--model", metavar="VERSION", help="a version, on nights it never saw")
        asked.add_argument(
            "--leave-subjects-out", action="store_true", help="train anew without those who judge"
        )
        parser.add_argument("--trainer", choices=sorted(TRAINERS), default="linear")
        parser.add_argument("--path", type=Path, metavar="DIR", help="else NOCTIS_DATA_DIR's")
        parser.add_argument("--format", choices=sorted(FORMATS), help="of the files in --path")
        parser.add_argument("--folds", type=_folds, default=FOLDS, metavar="N")
        parser.add_argument("--pass", dest="family", choices=("night", "live"), default="night")

    def run(self, options: Mapping[str, Any]) -> Row:
        nights = scored_nights.read_nights(folders=_folders(options))
        if options["model"]:
            judged = judging.judge_version(
                version=options["model"], nights=nights, family=options["family"]
            )
        else:
            judged = judging.judge_trainer(
                name=options["trainer"],
                nights=nights,
                folds=options["folds"],
                family=options["family"],
                tell=lambda text: self.stderr.write(text, style_func=str),
            )
        return _row(judged)

    def show(self, answer: Row | Sequence[Row]) -> None:
        """Markdown, which reads well on a terminal and pastes into a report."""
        if isinstance(answer, Mapping):
            for judgement in answer["judgements"]:
                self.stdout.write(whole(judgement))
            if answer["nights_left_out"]:
                self.stdout.write(
                    f"Left out: {answer['nights_left_out']} nights that trained this version."
                )
            if answer["nights_implausible"]:
                self.stdout.write(
                    f"Implausible: {answer['nights_implausible']} nights, judged as undecided."
                )

    def show_json(self, answer: Row | Sequence[Row]) -> None:
        if isinstance(answer, Mapping):
            plain = [_plain(judgement) for judgement in answer["judgements"]]
            super().show_json({**answer, "judgements": plain})


def _folders(options: Mapping[str, Any]) -> list[Folder]:
    path, format_ = options["path"], options["format"]
    if (path is None) != (format_ is None):
        raise errors.Invalid("--path and --format come together, or neither does.")
    return [] if path is None else [Folder(format_, path)]


def _row(judged: Judged) -> Row:
    return {
        "judgements": judged.judgements,
        "nights_left_out": judged.left_out,
        "nights_implausible": judged.implausible,
    }


def _plain(judgement: Judgement) -> Row:
    return {
        "source": judgement.source,
        "model": judgement.model,
        "bars": [bar.as_json for bar in judgement.bars],
        **judgement.verdict.as_json,
        "nulls": {name: verdict.as_json for name, verdict in judgement.nulls.items()},
    }


def _folds(text: str) -> int:
    if not text.isdecimal() or not FEWEST <= int(text) <= MOST:
        raise ArgumentTypeError(f"expected a whole number from {FEWEST} to {MOST}")
    return int(text)
