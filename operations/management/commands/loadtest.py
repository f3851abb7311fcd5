"""`manage.py loadtest`: a load sent by the clock; ends with 1 where anything went wrong."""

import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from noctis.commands import NoctisCommand, Row
from operations.load import Plan, Unbounded
from operations.services.load import here
from operations.services.load.run import NotReady, Target, run_load
from operations.wire import NoAddress, address_of


class LoadFailed(SystemExit):
    """Something was not as it must be: the command ends with 1 after it has told what."""


class Command(NoctisCommand):
    help = "Send batches, questions and reloads by the clock, and compare what is stored."
    has_failed = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--address", default=f"http://127.0.0.1:{settings.WEB_PORT}")
        parser.add_argument("--allow-host", default="", help="the address's, unless it is loopback")
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--token-file", help="of a client with the role admin; - is the input")
        whose.add_argument(
            "--here", action="store_true", help="a tenant made in this database, removed afterwards"
        )
        parser.add_argument("--reload-token-file", help="of a client that may promote models")
        parser.add_argument("--seconds", type=float, default=30.0)
        parser.add_argument("--ingest", type=float, default=10.0, help="batches a second")
        parser.add_argument("--predict", type=float, default=5.0, help="questions a second")
        parser.add_argument("--reload", type=float, default=0.2, help="reloads a second")
        parser.add_argument("--batch", type=int, default=60, help="epochs in a batch")
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if self.has_failed:
            raise LoadFailed(1)

    def run(self, options: Mapping[str, Any]) -> Row | Sequence[Row]:
        rates = {kind: options[kind] for kind in ("ingest", "predict", "reload")}
        plan = Plan(options["seconds"], rates, options["batch"], options["seed"])
        try:
            plan.check()
            address = address_of(options["address"], allowed=options["allow_host"])
            with ExitStack() as stack:
                tokens = _tokens(options, stack)
                target = Target(address, tokens.token, tokens.reload_token)
                outcome = run_load(plan=plan, target=target)
        except (Unbounded, NoAddress, NotReady) as error:
            raise CommandError(f"loadtest: {error}") from None
        self.has_failed = bool(outcome.failures)
        return {"address": options["address"], **outcome.told()}

    def show(self, answer: Row | Sequence[Row]) -> None:
        """A table of the kinds, then the rest line by line."""
        told = dict(answer) if isinstance(answer, Mapping) else {}
        super().show([{"kind": kind, **row} for kind, row in told.pop("kinds").items()])
        self.stdout.write("")
        failures = told.pop("failures")
        super().show(told | {"failures": "; ".join(failures) or "none"})


def _tokens(options: Mapping[str, Any], stack: ExitStack) -> here.Tokens:
    if options["here"]:
        return stack.enter_context(here.opened_tokens(reloads=options["reload"] > 0))
    token = _read(options["token_file"])
    other = options["reload_token_file"]
    return here.Tokens(token, _read(other) if other else token)


def _read(name: str) -> str:
    try:
        found = (sys.stdin.read() if name == "-" else Path(name).read_text()).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"loadtest: cannot read {name}: {error}") from None
    if not found.isascii() or not found.isprintable() or not found:
        raise CommandError(f"loadtest: there is no token in {name}")
    return found
