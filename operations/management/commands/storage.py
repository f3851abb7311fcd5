"""`manage.py storage`: how series are kept, what the settings would change, and doing that."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from noctis.commands import Row, VerbCommand
from operations.bodies import storage as bodies
from operations.policies import Kind
from operations.services import policies, status
from operations.services.policies import Decision, Plan
from tenants.lookups import shell_actor


class Command(VerbCommand):
    help = "Storage: the server's edition, each policy, what a plan would change."
    verbs = {
        "status": "show the edition, each policy, who does it and how that went",
        "plan": "compare the settings with what is so, and say what would go",
        "apply": "do exactly what a plan says; without one, what `plan` would say now",
        "ensure": "turn the series into hypertables where the server has TimescaleDB",
    }

    def add_verb_arguments(self, verb: str, parser: ArgumentParser) -> None:
        if verb == "apply":
            parser.add_argument("plan", nargs="?", default="", help="the hash that `plan` printed")
        if verb in ("apply", "ensure"):
            parser.add_argument("--reason", default="", help="kept in the audit log")

    def status(self, options: Mapping[str, Any]) -> Row | Sequence[Row]:
        found = bodies.status(status.status())
        if options["json"]:
            return found
        self.stdout.write(f"edition: {found['edition']}")
        for row in found["series"]:
            chunks = f"{row['chunks']} chunks" if row["chunk_days"] else "a plain table"
            self.stdout.write(f"{row['series']}: {chunks}, {row['bytes']} bytes")
        shown = ("policy", "value", "wanted", "unit", "done_by", "last_finished_at", "last_error")
        return [{name: row[name] for name in shown} for row in found["policies"]]

    def plan(self, options: Mapping[str, Any]) -> Row | Sequence[Row]:
        plan = policies.plan()
        found = bodies.plan(plan, status.going(plan=plan, at=timezone.now()))
        if options["json"]:
            return found
        for row in found["going"]:
            self.stdout.write("{series}: {rows} rows of {nights} nights would go".format(**row))
        self.stdout.write(f"plan: {plan.hash}")
        return list(found["changes"])

    def apply(self, options: Mapping[str, Any]) -> Sequence[Row]:
        wanted = options["plan"] or policies.plan().hash
        return _applied(policies.apply(plan_hash=wanted, decision=_decision(options)))

    def ensure(self, options: Mapping[str, Any]) -> Sequence[Row]:
        return _applied(policies.ensure(kind=Kind.CHUNKS, decision=_decision(options)))


def _decision(options: Mapping[str, Any]) -> Decision:
    return Decision(shell_actor(), options["reason"])


def _applied(plan: Plan) -> Sequence[Row]:
    return [bodies.change(change) for change in plan.changes]
