"""`manage.py model`: which models there are, what they are worth, and which one serves.

Stands above the registry, because to compare versions is a matter of this app.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from inference.artifacts import folder
from inference.models import Family, ModelVersion
from inference.services import model_imports, pins, registry, reloading, shipped
from inference.services.model_events import Decision
from inference.services.pins import Place
from mlops.bodies import comparison as bodies
from mlops.bodies import gates as gate_bodies
from mlops.management import chosen
from mlops.services import comparisons, gates
from noctis.commands import Row, VerbCommand
from tenants.lookups import shell_actor, tenant_called


class Command(VerbCommand):
    help = "Model versions: the registry, and what serves."
    verbs = {
        "ensure": "register the versions that ship, and let one serve where none does",
        "import": "check a folder, keep it in the store and register it as a candidate",
        "verify": "read a version's artifact, check every byte and run its self-test",
        "validate": "verify a candidate, and let it serve from now on",
        "list": "show every version",
        "show": "show a version: its manifest, metrics and history",
        "compare": "stage the same nights by two versions, and say where they differ",
        "judge": "measure by labelled nights here what the gates ask, and show them",
        "gates": "show what a version has to pass before it may serve, and whether it does",
        "serve": "let a validated version serve, once it has passed its gates",
        "rollback": "let serve again what served before",
        "pin": "have a version serve one tenant, whatever serves the others",
        "unpin": "have a tenant served again by what serves everybody",
        "reload": "load what should serve in every process, and say which ones did",
    }

    def add_verb_arguments(self, verb: str, parser: ArgumentParser) -> None:
        if verb == "import":
            parser.add_argument("folder", type=Path, help="docs/models/format.md has the format")
        if verb in ("verify", "validate", "show", "serve", "compare", "judge", "gates"):
            parser.add_argument("version")
        if verb in ("pin", "unpin"):
            self._add_place(parser)
        if verb == "compare":
            self._add_comparison(parser)
        if verb == "serve":
            parser.add_argument("--waive", default="", metavar="REASON", help="whatever is unmet")
        if verb in ("serve", "rollback", "judge", "gates"):
            parser.add_argument(
                "--family",
                choices=Family.values,
                action="append",
                default=[],
                help="live or night; both when not given",
            )
        if verb in ("import", "validate", "serve", "rollback", "reload"):
            parser.add_argument("--reason", default="", help="kept in the audit log")

    def _add_place(self, parser: ArgumentParser) -> None:
        parser.add_argument("version")
        parser.add_argument("--tenant", metavar="SLUG", required=True)
        parser.add_argument("--family", choices=Family.values, required=True)
        parser.add_argument("--reason", required=True, help="kept in the tenant's audit log")

    def _add_comparison(self, parser: ArgumentParser) -> None:
        parser.add_argument("other", metavar="other_version")
        parser.add_argument("--tenant", metavar="SLUG", help="whose; else everybody's")
        chosen.add_options(parser)
        parser.add_argument("--nights", type=int, default=comparisons.BY_DEFAULT, metavar="N")
        parser.add_argument("--family", choices=Family.values, default="night")

    def run(self, options: Mapping[str, Any]) -> Row | Sequence[Row]:
        """`show` prints any answer, and `import` is a keyword: their methods have other names."""
        verb = {"show": "describe", "import": "bring"}.get(options["verb"], options["verb"])
        answer: Row | Sequence[Row] = getattr(self, verb)(options)
        return answer

    def ensure(self, options: Mapping[str, Any]) -> Sequence[Row]:
        return [_row(row) for row in shipped.ensure_models(decision=_decision(options))]

    def bring(self, options: Mapping[str, Any]) -> Row:
        files = folder.read(options["folder"])
        return _row(model_imports.import_version(files=files, decision=_decision(options)))

    def verify(self, options: Mapping[str, Any]) -> Row:
        manifest = registry.verify_version(registry.version_named(options["version"]))
        return {
            "version": manifest.version,
            "files": len(manifest.metadata.files) + 1,
            "golden": len(manifest.metadata.golden),
            "hash": manifest.artifact_hash,
            "verdict": "as registered",
        }

    def validate(self, options: Mapping[str, Any]) -> Row:
        version = options["version"]
        return _row(registry.validate_version(version=version, decision=_decision(options)))

    def list(self, options: Mapping[str, Any]) -> Sequence[Row]:
        rows = ModelVersion.objects.select_related("schema").prefetch_related("serving")
        return [_row(row) for row in rows]

    def describe(self, options: Mapping[str, Any]) -> Row:
        row = registry.version_named(options["version"])
        events = row.events.order_by("id").values(
            "at", "action", "family", "from_status", "to_status", "actor", "reason"
        )
        return {**_row(row), **row.metadata, "history": [*events]}

    def compare(self, options: Mapping[str, Any]) -> Row:
        found = comparisons.compare_versions(
            first=options["version"],
            second=options["other"],
            nights=chosen.nights_of(options),
            family=options["family"],
            limit=options["nights"],
        )
        return bodies.comparison(found)

    def serve(self, options: Mapping[str, Any]) -> Row:
        return _row(
            registry.serve_version(
                version=options["version"],
                families=options["family"],
                decision=_decision(options),
            )
        )

    def pin(self, options: Mapping[str, Any]) -> Row:
        return self._choose(pins.pin_version, options)

    def unpin(self, options: Mapping[str, Any]) -> Row:
        return self._choose(pins.unpin_version, options)

    def _choose(self, service: Callable[..., ModelVersion], options: Mapping[str, Any]) -> Row:
        place = Place(tenant_called(options["tenant"]), options["family"])
        row = service(version=options["version"], place=place, decision=_decision(options))
        return {
            "tenant": place.tenant.slug,
            "version": row.version,
            "pinned": ", ".join(pins.pinned_by(place.tenant).get(row.pk, [])),
        }

    def judge(self, options: Mapping[str, Any]) -> Sequence[Row]:
        runs = gates.request_runs(
            version=options["version"], families=options["family"], actor=shell_actor()
        )
        for run in runs:
            gates.run_gates(pk=run.pk)
        return self.gates(options)

    def gates(self, options: Mapping[str, Any]) -> Sequence[Row]:
        row = registry.version_named(options["version"])
        found = [
            gates.gates_of(row=row, family=family) for family in options["family"] or row.families
        ]
        if options["json"]:
            return [gate_bodies.gated(one) for one in found]
        return [
            {"family": one.family, **gate.as_json, "figure": chosen.two(gate.figure)}
            for one in found
            for gate in one.gates
        ]

    def rollback(self, options: Mapping[str, Any]) -> Sequence[Row]:
        decision = _decision(options)
        families = options["family"] or Family.values
        return [_row(row) for row in registry.roll_back(families=families, decision=decision)]

    def reload(self, options: Mapping[str, Any]) -> Sequence[Row]:
        reloaded = reloading.reload_models(decision=_decision(options))
        return [
            {
                "process": row.process,
                "generation": row.generation,
                "live": row.live,
                "night": row.night,
                "failures": ", ".join(row.failures.values()),
            }
            for row in reloaded.processes
        ]

    def show(self, answer: Row | Sequence[Row]) -> None:
        if not isinstance(answer, Mapping) or "pairs" not in answer:
            super().show(answer)
            return
        for part in chosen.parts_of(answer, answer["versions"]):
            super().show(part)
            self.stdout.write("")
        self.stdout.write(chosen.better_of(answer))


def _decision(options: Mapping[str, Any]) -> Decision:
    return Decision(shell_actor(), options.get("reason", ""), options.get("waive", ""))


def _row(row: ModelVersion) -> Row:
    return {
        "version": row.version,
        "status": row.status,
        "serves": ", ".join(sorted(place.family for place in row.serving.all())),
        "passes": ", ".join(row.families),
        "schema": row.schema.version,
        "hash": row.artifact_hash,
    }
