"""`manage.py experiment`: what was tried, and what came of it. `train --experiment` adds runs."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from mlops.bodies import experiments as bodies
from mlops.models import Experiment, TrainingRun
from mlops.services import experiments
from noctis import errors
from noctis.commands import Row, VerbCommand
from tenants.lookups import shell_actor, tenant_called

SHOWN = ("version", "status", "recipe", "seed", "seconds", "error")


class Command(VerbCommand):
    help = "Experiments and their training runs."
    verbs = {
        "open": "start one",
        "list": "show a tenant's",
        "runs": "show the runs of one",
    }

    def add_verb_arguments(self, verb: str, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        if verb != "list":
            parser.add_argument("name")
        if verb == "open":
            parser.add_argument("--description", default="")

    def open(self, options: Mapping[str, Any]) -> Row:
        row = experiments.open_experiment(
            tenant=tenant_called(options["tenant"]),
            name=options["name"],
            description=options["description"],
            actor=shell_actor(),
        )
        return bodies.experiment(row)

    def list(self, options: Mapping[str, Any]) -> Sequence[Row]:
        rows = Experiment.objects.owned_by(tenant_called(options["tenant"]))
        return [bodies.experiment(row) for row in rows]

    def runs(self, options: Mapping[str, Any]) -> Sequence[Row]:
        owned = Experiment.objects.owned_by(tenant_called(options["tenant"]))
        experiment = owned.filter(name=options["name"]).first()
        if experiment is None:
            raise errors.Missing(f"{options['tenant']} has no experiment {options['name']}.")
        rows = TrainingRun.objects.filter(experiment=experiment)
        told = [bodies.detailed_run(row) for row in rows.select_related("experiment", "dataset")]
        return told if options["json"] else [_short(one) for one in told]


def _short(told: Mapping[str, Any]) -> Row:
    return {name: told[name] for name in SHOWN} | {"kappa": told["kappa"].get("this model")}
