"""`manage.py demo`: the whole platform on this machine, in the foreground."""

import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import CommandError

from noctis.commands import NoctisCommand, Row
from noctis.embedded import EmbeddedError, Home, Instance
from noctis.launch import demo, supervisor


class Command(NoctisCommand):
    help = "Run the whole platform here, until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--status", action="store_true", help="print where to look again")
        what.add_argument("--reset", action="store_true", help="delete the demo's data and secrets")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            super().handle(*args, **options)
        except EmbeddedError as error:
            raise CommandError(str(error)) from None

    def run(self, options: Mapping[str, Any]) -> Row:
        if settings.PRODUCTION:
            raise CommandError("the demo has a printed password: unset NOCTIS_ENV=production")
        home = Home.at(settings.VAR_DIR)
        if options["reset"]:
            Instance(home).reset()
            return {"reset": f"{home.root} is empty; make demo starts anew"}
        if options["status"]:
            return self._status(home)
        sys.exit(self._run(home))

    def _run(self, home: Home) -> int:
        credentials = _credentials(home)
        port, host = settings.WEB_PORT, settings.WEB_HOST
        where = f"http://{f'[{host}]' if ':' in host else host}:{port}"

        def announce() -> None:
            (home.run / "address").write_text(where)
            supervisor.tell(demo.block(where, credentials))

        return supervisor.run(
            home, port, prepare=lambda: demo.seed(credentials), announce=announce, host=host
        )

    def _status(self, home: Home) -> Row:
        address = home.run / "address"
        where = address.read_text() if address.exists() else ""
        parts = urlsplit(where)
        if not parts.port or not supervisor.is_answering(str(parts.hostname), parts.port):
            raise EmbeddedError("not running: make demo")
        return {"block": demo.block(where, _credentials(home)), "address": where}

    def show(self, answer: Any) -> None:
        if "block" in answer:
            self.stdout.write(answer["block"])
        else:
            super().show(answer)


def _credentials(home: Home) -> Path:
    return home.root / "secrets" / "operator.json"
