"""`manage.py train`: a model from simulated or from scored nights, as a whole artifact folder."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from inference.lifecycle import is_version_name
from mlops.bodies import experiments as bodies
from mlops.evaluation import FOLDS
from mlops.models import Dataset, TrainingRun
from mlops.services import (
    experiments,
    networks,
    runs,
    scored_nights,
    training,
    training_nights,
    training_process,
)
from mlops.services.experiments import Wanted
from mlops.training.judging import Judged
from mlops.training.toys import TOYS, Order
from noctis import errors
from noctis.commands import NoctisCommand, Row
from tenants.lookups import shell_actor, tenant_called

FEWEST, MOST = 5, 2_000


class Command(NoctisCommand):
    help = "Fit a model and write its folder; the same again changes nothing."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Django's own `--version` gives way: here it is the model's."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "kind",
            nargs="?",
            choices=("simulated", "linear", "net", "clock"),
            default="simulated",
            help="from simulated nights, or linear or a net from the scored nights of "
            "NOCTIS_DATA_DIR; a net needs the train extra",
        )
        parser.add_argument("--version", type=_version, metavar="NAME")
        parser.add_argument("--head", choices=sorted(TOYS), default="linear")
        parser.add_argument("--simulated-nights", type=_nights, metavar="N")
        parser.add_argument("--held-out", type=_nights, default=30, metavar="N")
        parser.add_argument("--seed", type=_seed, default=1)
        parser.add_argument("--folds", type=int, default=FOLDS, metavar="N", help="of linear")
        parser.add_argument("--family", choices=("night", "live"), default="night", help="of a net")
        parser.add_argument("--output", type=Path, metavar="FOLDER")
        recorded = parser.add_argument_group("as a run of an experiment, of a snapshot")
        recorded.add_argument("--experiment", metavar="NAME", help="opened where there is none")
        recorded.add_argument("--tenant", metavar="SLUG")
        recorded.add_argument("--dataset", type=UUID, metavar="ID")
        recorded.add_argument("--set", action="append", default=[], metavar="NAME=NUMBER")

    def run(self, options: Mapping[str, Any]) -> Row:
        if options["experiment"]:
            return self._recorded(options)
        if missing := [name for name in ("version", "output") if options[name] is None]:
            raise errors.Invalid(f"--{' and --'.join(missing)} needed where no run is recorded.")
        if options["kind"] == "clock":
            raise errors.Invalid("The clock of real nights is fitted as a run: --experiment.")
        kinds = {"linear": self._linear, "net": self._net, "simulated": self._simulated}
        return kinds[options["kind"]](options)

    def _recorded(self, options: Mapping[str, Any]) -> Row:
        if options["tenant"] is None or options["dataset"] is None:
            raise errors.Invalid("A run needs --tenant and --dataset: `manage.py dataset build`.")
        tenant = tenant_called(options["tenant"])
        dataset = Dataset.objects.owned_by(tenant).filter(uuid=options["dataset"]).first()
        if dataset is None:
            raise errors.Missing(f"{tenant.slug} has no snapshot {options['dataset']}.")
        wanted = Wanted(
            dataset=dataset,
            recipe=options["kind"],
            family=options["family"],
            seed=options["seed"],
            hyperparameters=settings_of(options["set"]),
            version=options["version"] or "",
        )
        actor = shell_actor()
        experiment = experiments.find_or_open(
            tenant=tenant, name=options["experiment"], actor=actor
        )
        run = experiments.start_run(experiment=experiment, wanted=wanted, actor=actor)
        runs.work_run(run_id=run.pk)
        found = TrainingRun.objects.select_related("experiment", "dataset").get(pk=run.pk)
        if found.error:
            raise training_process.TrainingFailed(found.error)
        return bodies.run(found)

    def _net(self, options: Mapping[str, Any]) -> Row:
        found = networks.train_network(
            version=options["version"],
            family=options["family"],
            seed=options["seed"],
            nights=scored_nights.read_nights(folders=[]),
            output=options["output"],
            tell=self._told,
        )
        figures = found.manifest.metadata.metrics["leave_subjects_out"]
        shown = ("kappa", "smallest_recall", "sleep_wake_kappa", "expected_calibration_error")
        return {
            "version": options["version"],
            "artifact_hash": found.manifest.artifact_hash,
            "folder": str(options["output"]),
            "judged": [
                {"": source, **{name: one[name] for name in shown}}
                for source, one in figures.items()
            ],
        }

    def _told(self, text: str) -> None:
        self.stderr.write(text, style_func=str)

    def _linear(self, options: Mapping[str, Any]) -> Row:
        found, judged = training_nights.train_linear(
            version=options["version"],
            nights=scored_nights.read_nights(folders=[]),
            folds=options["folds"],
            output=options["output"],
            tell=self._told,
        )
        bars = [{"source": one.source, **bar.as_json} for one in judged for bar in one.bars]
        return {
            "version": options["version"],
            "artifact_hash": found.manifest.artifact_hash,
            "folder": str(options["output"]),
            "bars": bars,
        }

    def _simulated(self, options: Mapping[str, Any]) -> Row:
        if options["simulated_nights"] is None:
            raise errors.Invalid("--simulated-nights is needed where nights are simulated.")
        order = Order(
            version=options["version"],
            head=options["head"],
            nights=options["simulated_nights"],
            held_out=options["held_out"],
            seed=options["seed"],
        )
        found, trained = training.train_on_simulated_nights(order=order, output=options["output"])
        return {
            "version": order.version,
            "artifact_hash": found.manifest.artifact_hash,
            "folder": str(options["output"]),
            "held_out": [_row(name, judged) for name, judged in trained.judged.items()],
        }

    def show(self, answer: Row | Sequence[Row]) -> None:
        if isinstance(answer, Mapping) and "bars" in answer:
            super().show({name: answer[name] for name in answer if name != "bars"})
            names = ("source", "bar", "found", "met")
            super().show([{name: bar[name] for name in names} for bar in answer["bars"]])
        elif isinstance(answer, Mapping) and "judged" in answer:
            super().show({name: answer[name] for name in answer if name != "judged"})
            self.stdout.write("On people left out of their training:")
            super().show(answer["judged"])
        elif isinstance(answer, Mapping) and "held_out" not in answer:
            super().show(answer)
        elif isinstance(answer, Mapping):
            rows = answer["held_out"]
            super().show({name: answer[name] for name in answer if name != "held_out"})
            self.stdout.write("On simulated nights held out, which says nothing about real ones:")
            super().show(rows)


def settings_of(texts: Sequence[str]) -> dict[str, float]:
    """`l2_times=2` as a number by name; what a recipe takes of them is the run's to say."""
    found: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            found[name] = int(value) if value.lstrip("-").isdecimal() else float(value)
        except ValueError:
            raise errors.Invalid(f"--set {text}: expected NAME=NUMBER") from None
    return found


def _row(name: str, judged: Judged) -> Row:
    figures = judged.figures
    return {"": name} | {key: figures[key] for key in ("kappa", "macro_f1", "accuracy", "coverage")}


def _version(text: str) -> str:
    if not is_version_name(text):
        raise ArgumentTypeError("a version is a name of a-z, 0-9, ., _ and -, and no reserved word")
    return text


def _nights(text: str) -> int:
    return _whole(text, FEWEST, MOST)


def _seed(text: str) -> int:
    return _whole(text, 0, 2**32 - 1)


def _whole(text: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise ArgumentTypeError(f"expected a whole number from {least} to {most}")
    return int(text)
