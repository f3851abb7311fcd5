"""`manage.py dataset`: snapshots of labelled nights, built, listed, shown and verified."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from mlops.bodies import datasets as bodies
from mlops.models import Dataset, Job
from mlops.services import datasets, training_process
from mlops.services.criteria import FEWEST_EPOCHS, GROUND_TRUTH, Criteria
from noctis import errors
from noctis.commands import Row, VerbCommand
from recordings.models import LabelSet
from tenants.lookups import shell_actor, tenant_called

SHOWN = ("id", "status", "label_sources", "nights", "held_out_nights", "people", "checksum")


class Command(VerbCommand):
    help = "Snapshots of labelled nights: what models are trained on and judged by."
    verbs = {
        "build": "build one now; the same rows give the same bytes",
        "list": "show a tenant's",
        "show": "show one",
        "verify": "read its file, check bytes, content and split",
    }

    def add_verb_arguments(self, verb: str, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        if verb in ("show", "verify"):
            parser.add_argument("id", type=UUID)
        if verb == "verify":
            parser.add_argument(
                "--rebuild", action="store_true", help="and build it from its rows again"
            )
        if verb == "build":
            add_criteria(parser)

    def build(self, options: Mapping[str, Any]) -> Row:
        row = datasets.ask_for_dataset(
            tenant=tenant_called(options["tenant"]),
            criteria=criteria_of(options),
            actor=shell_actor(),
        )
        datasets.build_dataset(dataset_id=row.pk)
        row.refresh_from_db()
        if row.status == Job.Status.FAILED:
            raise training_process.TrainingFailed(row.error)
        return bodies.dataset(row)

    def list(self, options: Mapping[str, Any]) -> Sequence[Row]:
        rows = Dataset.objects.owned_by(tenant_called(options["tenant"])).select_related("schema")
        told = [bodies.dataset(row) for row in rows]
        return told if options["json"] else [{name: one[name] for name in SHOWN} for one in told]

    def show_one(self, options: Mapping[str, Any]) -> Row:
        return bodies.dataset(_called(options))

    def run(self, options: Mapping[str, Any]) -> Row | Sequence[Row]:
        """`show` is the base's own word."""
        return self.show_one(options) if options["verb"] == "show" else super().run(options)

    def verify(self, options: Mapping[str, Any]) -> Row:
        row = _called(options)
        found = datasets.verify_dataset(dataset=row, rebuild=options["rebuild"])
        if found.rebuilt is False:
            raise datasets.NightsChanged("Its rows give other bytes now.")
        return {
            "id": row.uuid,
            "nights": found.nights,
            "checksum": found.checksum,
            "rebuilt": "the same bytes" if found.rebuilt else None,
        }


def add_criteria(parser: ArgumentParser) -> None:
    """What says which nights, here and where a retraining asks for its own."""
    parser.add_argument("--platform-wide", action="store_true", help="every tenant's nights")
    parser.add_argument(
        "--label-source",
        action="append",
        choices=LabelSet.Source.values,
        help="repeat it for several; ground truth alone if none is named",
    )
    parser.add_argument("--from", dest="first_on", type=_day, metavar="DATE")
    parser.add_argument("--to", dest="last_on", type=_day, metavar="DATE")
    parser.add_argument("--device", type=UUID, metavar="ID")
    parser.add_argument("--min-epochs", type=int, default=FEWEST_EPOCHS, metavar="N")
    parser.add_argument("--held-out", type=float, default=0.25, metavar="SHARE")
    parser.add_argument("--split-seed", type=int, default=1, metavar="N")


def criteria_of(options: Mapping[str, Any]) -> Criteria:
    device = options["device"]
    scope = Job.Scope.PLATFORM if options["platform_wide"] else Job.Scope.TENANT
    if options["platform_wide"] and not tenant_called(options["tenant"]).is_platform:
        raise errors.Forbidden("A snapshot of every tenant's nights is the platform tenant's.")
    return Criteria(
        scope=scope.value,
        label_sources=tuple(sorted(set(options["label_source"] or GROUND_TRUTH))),
        first_on=options["first_on"],
        last_on=options["last_on"],
        device=None if device is None else str(device),
        min_epochs=options["min_epochs"],
        held_out=options["held_out"],
        seed=options["split_seed"],
    )


def _called(options: Mapping[str, Any]) -> Dataset:
    owned = Dataset.objects.owned_by(tenant_called(options["tenant"])).select_related("schema")
    row: Dataset | None = owned.filter(uuid=options["id"]).first()
    if row is None:
        raise errors.Missing(f"{options['tenant']} has no snapshot {options['id']}.")
    return row


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError("expected a date such as 2026-05-31") from None
