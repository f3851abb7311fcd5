"""`manage.py replay`: stage a tenant's nights anew by one version or two, and what came of it."""

import time
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from mlops.bodies import replays as bodies
from mlops.management import chosen
from mlops.models import Replay
from mlops.services import replaying, replays
from noctis import errors
from noctis.commands import Row, VerbCommand
from tenants.lookups import shell_actor, tenant_called

PAUSE_S = 1.0


class Command(VerbCommand):
    help = "Replays: nights staged anew, compared with what was stored and with the truth."
    verbs = {
        "run": "stage nights anew; workers do it, or this process with --here",
        "list": "show a tenant's replays",
        "show": "show how far a replay is, and what came of it",
        "cancel": "end a replay as far as it is",
    }

    def add_verb_arguments(self, verb: str, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        if verb in ("show", "cancel"):
            parser.add_argument("id")
        if verb == "run":
            parser.add_argument("versions", nargs="+", metavar="VERSION", help="one or two")
            chosen.add_options(parser)
            parser.add_argument("--store", action="store_true", help="log the predictions")
            waits = parser.add_mutually_exclusive_group()
            waits.add_argument("--wait", action="store_true", help="until workers have done it")
            waits.add_argument("--here", action="store_true", help="in this process")

    def run(self, options: Mapping[str, Any]) -> Row | Sequence[Row]:
        """`run` and `show` are the base's own words: their methods have other names."""
        verb = {"run": "start", "show": "describe"}.get(options["verb"], options["verb"])
        answer: Row | Sequence[Row] = getattr(self, verb)(options)
        return answer

    def start(self, options: Mapping[str, Any]) -> Row:
        if len(options["versions"]) > 2:
            raise errors.Invalid("A replay takes one version or two.")
        row = replays.request_replay(
            tenant=tenant_called(options["tenant"]),
            versions=options["versions"],
            nights=chosen.nights_of(options),
            is_stored=options["store"],
            actor=shell_actor(),
        )
        while options["wait"] or options["here"]:
            self._move(options["here"])
            row.refresh_from_db()
            if not row.is_alive:
                break
            self.stderr.write(f"{row.progress:.0%}", style_func=str)
        return bodies.detailed_replay(row)

    def _move(self, is_here: bool) -> None:
        """Workers find the rows by themselves; the sweep does."""
        claimed = replaying.claim_nights() if is_here else []
        for replay_id, nights in claimed:
            replaying.work_off(replay_id=replay_id, nights=nights)
        if is_here:
            replaying.sum_up()
        if not claimed:
            time.sleep(PAUSE_S)

    def list(self, options: Mapping[str, Any]) -> Sequence[Row]:
        rows = Replay.objects.owned_by(tenant_called(options["tenant"]))
        return [bodies.replay(row) for row in rows.select_related("first", "second")]

    def describe(self, options: Mapping[str, Any]) -> Row:
        return bodies.detailed_replay(_called(options))

    def cancel(self, options: Mapping[str, Any]) -> Row:
        return bodies.detailed_replay(
            replays.cancel_replay(replay=_called(options), actor=shell_actor())
        )

    def show(self, answer: Row | Sequence[Row]) -> None:
        report = answer.get("report") if isinstance(answer, Mapping) else None
        if report is None or not isinstance(answer, Mapping):
            super().show(answer)
            return
        super().show({name: value for name, value in answer.items() if name != "report"})
        versions = dict(zip("ab", answer["model_versions"], strict=False))
        for part in chosen.parts_of(report, versions):
            self.stdout.write("")
            super().show(part)
        if "difference" in report:
            self.stdout.write(f"\n{chosen.better_of(report)}")


def _called(options: Mapping[str, Any]) -> Replay:
    owned = Replay.objects.owned_by(tenant_called(options["tenant"]))
    rows = owned.select_related("first", "second", "tenant")
    found: Replay | None = rows.filter(uuid__startswith=options["id"]).first()
    if found is None:
        raise errors.Missing(f"There is no replay {options['id']}.")
    return found
