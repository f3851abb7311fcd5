"""`manage.py nights`: nights that no device recorded, made up or scored by others."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from mlops.services import night_imports, scored_nights, simulation
from mlops.services.scored_nights import Folder
from mlops.services.simulation import Plan
from mlops.simulator.mishaps import Mishaps
from mlops.sources import FORMATS
from noctis.commands import Row, VerbCommand
from recordings.services import nights
from recordings.services.nights import Instrument
from tenants.lookups import shell_actor, tenant_called

MOST_NIGHTS = 3_660


class Command(VerbCommand):
    help = "Nights from elsewhere than a device."
    verbs = {
        "simulate": "add simulated nights to a device, marked as synthetic; repeat at will",
        "import": "add scored nights of a folder to a device, labels and all; repeat at will",
    }

    def add_verb_arguments(self, verb: str, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--device", required=True, metavar="EXTERNAL_ID")
        parser.add_argument(
            "--device-name", metavar="NAME", help="registers the device where it is not known"
        )
        if verb == "import":
            parser.add_argument("--format", choices=sorted(FORMATS), required=True)
            parser.add_argument("--path", type=Path, required=True, metavar="DIR")
        else:
            self._add_plan(parser)

    def _add_plan(self, parser: ArgumentParser) -> None:
        parser.add_argument("--nights", type=_count, required=True, metavar="N")
        yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
        parser.add_argument(
            "--end", type=_day, default=yesterday, metavar="DATE", help="the last evening"
        )
        parser.add_argument("--seed", type=_seed, default=1, help="another seed, other nights")
        parser.add_argument(
            "--drifts-from",
            type=_count,
            metavar="N",
            help="the device is moved from the bed after so many nights",
        )
        parser.add_argument("--label", action="store_true", help="keep the true stages as labels")

    def run(self, options: Mapping[str, Any]) -> Row | Sequence[Row]:
        """`import` is a word of the language, so no method can be called so."""
        return self.simulate(options) if options["verb"] == "simulate" else self.take_in(options)

    def take_in(self, options: Mapping[str, Any]) -> Row:
        folder = Folder(options["format"], options["path"])
        source = scored_nights.read_source(folder=folder)
        device = nights.known_device(
            tenant=tenant_called(options["tenant"]),
            instrument=Instrument(options["device"], options["device_name"]),
            actor=shell_actor(),
        )
        done = night_imports.import_nights(device=device, source=source, tell=self._tell)
        return {"source": folder.format, **asdict(done)}

    def simulate(self, options: Mapping[str, Any]) -> Row:
        device = nights.known_device(
            tenant=tenant_called(options["tenant"]),
            instrument=Instrument(options["device"], options["device_name"]),
            actor=shell_actor(),
        )
        plan = Plan(
            device,
            options["nights"],
            options["end"],
            options["seed"],
            options["label"],
            Mishaps(drifts_from=options["drifts_from"]),
        )
        done = simulation.simulate_nights(plan=plan, tell=self._tell)
        return {"subject": plan.subject, **asdict(done)}

    def _tell(self, text: str) -> None:
        self.stderr.write(text, style_func=str)


def _count(text: str) -> int:
    return _whole(text, 1, MOST_NIGHTS)


def _seed(text: str) -> int:
    return _whole(text, 0, 2**32 - 1)


def _whole(text: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise ArgumentTypeError(f"expected a whole number from {least} to {most}")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError("expected a date such as 2026-05-31") from None
