"""What needs Django, in processes of its own: simulated nights, replays, and their reports."""

import json
import sys
from datetime import UTC, datetime, timedelta

from devices.services import register_device
from mlops.models import Replay, ReplayNight
from mlops.services import replaying, replays, simulation
from mlops.services.comparisons import Nights
from mlops.services.simulation import Plan
from recordings.models import Recording
from tenants.models import AuditEntry, Tenant
from tenants.services.audit import Actor

ACTOR = Actor("chaos", AuditEntry.Channel.COMMAND)
VERSIONS = ("linear-1", "tcn-1")
DEVICES = 20


def simulate(count: int) -> None:
    """So many labelled nights, on twenty devices; none of them is due to be staged."""
    tenant = Tenant.objects.get(slug="noctis")
    evening = (datetime.now(UTC) - timedelta(days=2)).date()
    for number in range(DEVICES):
        facts = {"name": f"sleeper {number}", "external_id": f"sleeper-{number}"}
        device = register_device(tenant=tenant, facts=facts, actor=ACTOR)
        share = count // DEVICES + (number < count % DEVICES)
        if share:
            plan = Plan(device, share, evening, number + 1, is_labelled=True)
            simulation.simulate_nights(plan=plan, tell=_unsaid)
    Recording.objects.closed().update(status=Recording.Status.STAGED)
    sys.stdout.write(json.dumps(Recording.objects.count()))


def _unsaid(text: str) -> None:
    """The nights are many."""


def request() -> None:
    replay = replays.request_replay(
        tenant=Tenant.objects.get(slug="noctis"),
        versions=VERSIONS,
        nights=Nights(),
        is_stored=True,
        actor=ACTOR,
    )
    sys.stdout.write(json.dumps(replay.pk))


def undisturbed() -> None:
    """The same in this process alone, and what both came to."""
    mine = replays.request_replay(
        tenant=Tenant.objects.get(slug="noctis"),
        versions=VERSIONS,
        nights=Nights(),
        is_stored=False,
        actor=ACTOR,
    )
    while claimed := replaying.claim_nights():
        for replay_id, nights in claimed:
            replaying.work_off(replay_id=replay_id, nights=nights)
    replaying.sum_up()
    mine.refresh_from_db()
    told = [_told(replay) for replay in Replay.objects.exclude(pk=mine.pk).order_by("pk")]
    sys.stdout.write(json.dumps({"expected": _told(mine), "found": told}))


def _told(replay: Replay) -> dict[str, object]:
    """All that must not depend on who did it: latencies do."""
    report = replay.report
    tried = ReplayNight.objects.filter(replay=replay, tries__gt=1).count()
    return {
        "status": replay.status,
        "nights": report["nights"],
        "pairs": {name: pair["confusion"] for name, pair in report["pairs"].items()},
        "intervals": {name: pair["kappa_interval"] for name, pair in report["pairs"].items()},
        "minutes": {name: line["minutes"] for name, line in report["lines"].items()},
        "left_out": report["left_out"],
        "tried_again": tried,
    }
