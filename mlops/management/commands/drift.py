"""`manage.py drift`: have a tenant's nights moved, and what was found before."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from inference.models import ModelVersion
from inference.services import registry
from mlops.bodies import drift as bodies
from mlops.models import DriftRun
from mlops.services import drift
from noctis.commands import Row, VerbCommand
from tenants import lookups
from tenants.models import Tenant


class Command(VerbCommand):
    help = "Drift: newest nights against those before them, and against a version's training."
    verbs = {
        "run": "compare, and keep what was found",
        "show": "show the newest run, feature by feature",
        "list": "show the runs of a tenant",
    }

    def add_verb_arguments(self, verb: str, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, help="the tenant's slug")
        if verb != "list":
            parser.add_argument("--model", required=True, help="the version that staged the nights")

        if verb == "run":
            parser.add_argument(
                "--until",
                type=date.fromisoformat,
                action="append",
                metavar="DATE",
                help="the day after the last night; today if none, and one run for each named",
            )

    def run(self, options: Mapping[str, Any]) -> Row | Sequence[Row]:
        """`run` and `show` are the base's own words: their methods have other names."""
        verb = {"run": "compare", "show": "describe"}.get(options["verb"], options["verb"])
        answer: Row | Sequence[Row] = getattr(self, verb)(options)
        return answer

    def compare(self, options: Mapping[str, Any]) -> Row | Sequence[Row]:
        tenant, model = _tenant(options), _model(options)
        for until in options["until"] or [None]:
            found = drift.run(tenant=tenant, model=model, until=until)
        return self._told(found, options)

    def describe(self, options: Mapping[str, Any]) -> Row | Sequence[Row]:
        found = drift.newest(tenant=_tenant(options), model=_model(options))
        return [] if found is None else self._told(found, options)

    def list(self, options: Mapping[str, Any]) -> Sequence[Row]:
        runs = DriftRun.objects.owned_by(_tenant(options)).select_related("model")
        return [_row(run) for run in runs]

    def _told(self, run: DriftRun, options: Mapping[str, Any]) -> Row | Sequence[Row]:
        told = bodies.drift(run)
        if options["json"]:
            return told
        for name, value in _row(run).items():
            self.stdout.write(f"{name}: {value}")
        shown = ("name", "severity", "psi", "psi_training", "z", "effect", "p")
        return [{name: row[name] for name in shown} for row in told["features"]]


def _tenant(options: Mapping[str, Any]) -> Tenant:
    return lookups.tenant_called(options["tenant"])


def _model(options: Mapping[str, Any]) -> ModelVersion:
    return registry.version_named(options["model"])


def _row(run: DriftRun) -> Row:
    return {
        "version": run.model.version,
        "from": run.current_from,
        "until": run.until,
        "nights": f"{run.current_nights} against {run.baseline_nights}",
        "severity": run.severity,
        "alarm": "yes" if run.is_alarm else "no",
        "flagged": ", ".join(run.report["flagged"]),
    }
