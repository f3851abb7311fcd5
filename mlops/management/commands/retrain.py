"""`manage.py retrain`: a new candidate of a family, because somebody or some rows ask for it."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from inference.models import Family
from mlops.bodies import retrainings as bodies
from mlops.management.commands.dataset import add_criteria, criteria_of
from mlops.management.commands.train import settings_of
from mlops.models import Retraining
from mlops.services import retraining, retraining_causes, retraining_work
from mlops.services.retraining import Plan, Why
from mlops.training.recipes import RECIPES
from noctis.commands import Row, VerbCommand
from tenants.lookups import shell_actor, tenant_called

SHOWN = ("id", "family", "cause", "status", "version", "error", "created_at")


class Command(VerbCommand):
    help = "Retraining: always a candidate with its evaluation, never what serves."
    verbs = {
        "open": "ask for one; a worker does it",
        "due": "open those that drift or a regression asks for",
        "list": "show a tenant's",
    }

    def add_verb_arguments(self, verb: str, parser: ArgumentParser) -> None:
        if verb == "due":
            return
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        if verb == "open":
            parser.add_argument("--family", choices=Family.values, default=Family.NIGHT.value)
            parser.add_argument("--reason", required=True)
            parser.add_argument("--recipe", choices=sorted(RECIPES), default="linear")
            parser.add_argument("--set", action="append", default=[], metavar="NAME=NUMBER")
            parser.add_argument("--version-name", default="", metavar="NAME")
            parser.add_argument("--here", action="store_true", help="do it now, in this process")
            add_criteria(parser)

    def open(self, options: Mapping[str, Any]) -> Row:
        tenant, family = tenant_called(options["tenant"]), options["family"]
        plan = Plan(
            family=family,
            criteria=criteria_of(options),
            recipe=options["recipe"],
            hyperparameters=settings_of(options["set"]),
            version=options["version_name"],
        )
        alarm = retraining_causes.alarm_of(tenant=tenant, family=family)
        why = Why(reason=options["reason"], drift_run=alarm)
        row = retraining.open_retraining(tenant=tenant, plan=plan, why=why, actor=shell_actor())
        if options["here"]:
            retraining_work.work_through(retraining_id=row.pk)
        return bodies.retraining(_whole().get(pk=row.pk))

    def due(self, options: Mapping[str, Any]) -> Sequence[Row]:
        opened = retraining_causes.open_due(actor=shell_actor())
        return [_short(row) for row in _whole().filter(pk__in=[one.pk for one in opened])]

    def list(self, options: Mapping[str, Any]) -> Sequence[Row]:
        rows = _whole().owned_by(tenant_called(options["tenant"]))
        return [bodies.retraining(row) if options["json"] else _short(row) for row in rows]


def _whole() -> Any:
    return Retraining.objects.select_related("drift_run", "dataset", "run")


def _short(row: Retraining) -> Row:
    told = bodies.retraining(row)
    return {name: told[name] for name in SHOWN}
