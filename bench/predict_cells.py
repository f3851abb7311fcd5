"""The cells of the predict benchmark: no-op, latest, inline, a whole night, and numpy alone."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import numpy as np
from django.utils import timezone

from bench import load
from bench.cells import fresh_recordings
from bench.stage import Stage
from bench.tenant import ACTOR
from devices.models import Device
from inference import engine
from inference.artifacts import loaded
from inference.engine import Model, Night, network
from inference.engine.nights import Floats
from inference.services import reloading, shipped
from inference.services.model_events import Decision
from inference.serving import snapshot
from recordings import rows
from recordings.batches import EpochBatch
from recordings.models import FeatureSchema, Recording
from tenants.models import Tenant
from tenants.roles import Role
from tenants.services import clients, minting, tenants
from tests.inference.engine_models import convolutions
from tests.recordings import nights

INLINE, NIGHT = 41, 960
Act = Callable[[], load.Outcome]


@dataclass(frozen=True)
class Cell:
    """So many questions at once, one for each night; each adds `rows` to the log."""

    name: str
    clients: int
    questions: int
    rows: int
    ask: Callable[[Recording], bytes]
    epochs: int = 0
    is_closed: bool = False
    # The same questions have been asked before: the log has every answer.
    is_again: bool = False

    @property
    def label(self) -> str:
        return f"{self.name} x{self.clients}"


@dataclass(frozen=True)
class Asker:
    """Who asks, about nights of which device."""

    stage: Stage
    device: Device
    token: str

    def prepare(self, cell: Cell, taken: int) -> Act:
        """Nights with their epochs, and the questions about them; nothing here is measured."""
        made = fresh_recordings(self.device, cell.questions, taken)
        for night in made:
            if cell.epochs:
                store(night, cell.epochs)
        if cell.is_closed:
            ids = [night.pk for night in made]
            Recording.objects.filter(pk__in=ids).update(
                status=Recording.Status.CLOSED, ended_at=timezone.now()
            )
        method, path = ("GET", "/v1/whoami") if cell.name == "whoami" else ("POST", "/v1/predict")
        requests = [load.request_bytes(method, path, self.token, cell.ask(night)) for night in made]
        if cell.is_again:
            load.run(self.stage.port, requests, cell.clients)
        return lambda: load.run(self.stage.port, requests, cell.clients)


def asker(stage: Stage) -> Asker:
    """A platform with the models that ship, and a tenant's reader."""
    tenants.create_tenant(slug="platform", name="Platform", actor=ACTOR, kind=Tenant.Kind.PLATFORM)
    decision = Decision(ACTOR, "for a benchmark")
    shipped.ensure_models(decision=decision)
    if reloading.reload_models(decision=decision, patience_s=10).behind:
        raise SystemExit("a web process did not load the models within 10 s")
    tenant = tenants.create_tenant(slug="asking", name="Asking", actor=ACTOR)
    client, _ = clients.create_client(tenant=tenant, name="reader", role=Role.READ, actor=ACTOR)
    device = Device.objects.create(tenant=tenant, name="bench")
    return Asker(stage, device, minting.mint_token(client=client, ttl_s=7_200))


def all_cells(questions: int) -> list[Cell]:
    whole = max(8, questions // 16)
    one, eight = (1, max(32, questions // 4)), (8, questions)
    cells = [Cell("whoami", *size, 0, nothing) for size in (one, eight)]
    cells += [Cell("latest", *size, 1, latest, INLINE) for size in (one, eight)]
    cells += [
        Cell("latest again", *eight, 0, latest, INLINE, is_again=True),
        Cell("inline", *eight, 1, inline),
        Cell("night", 1, whole, NIGHT, whole_night, NIGHT, is_closed=True),
        Cell("night", 8, whole, NIGHT, whole_night, NIGHT, is_closed=True),
        Cell("night again", 8, whole, 0, whole_night, NIGHT, is_closed=True, is_again=True),
    ]
    return cells


def store(night: Recording, count: int) -> None:
    """Through the statement of ingest."""
    schema = FeatureSchema.objects.get(is_active=True).pk
    index = np.arange(count, dtype=np.int32)
    oldest = timezone.now() - timedelta(days=90)
    place = rows.Place(night.tenant_id, UUID(str(night.uuid)), None, schema, oldest)
    rows.append(place, EpochBatch(index, features_of(night, count), None, count, ""))


def features_of(night: Recording, count: int) -> Floats:
    """Each night its own: workers remember what they have staged a moment ago."""
    return nights.features(count, seed=night.pk)


def nothing(_: Recording) -> bytes:
    return b""


def latest(night: Recording) -> bytes:
    return json.dumps({"recording_id": str(night.uuid)}).encode()


def inline(night: Recording) -> bytes:
    return json.dumps(nights.body(night, features_of(night, INLINE), 0, "packed")).encode()


def whole_night(night: Recording) -> bytes:
    return json.dumps({"recording_id": str(night.uuid), "scope": "all"}).encode()


def bare_ms() -> dict[str, float]:
    """CPU milliseconds of the numpy calls alone, the models that ship and a network like ours."""
    model = loaded(snapshot.store().read(shipped.SHIPPED[0])).model
    short, long = Night(nights.features(INLINE)), Night(nights.features(NIGHT))
    net = networked(model)
    return {
        "bare latest": cpu_ms(lambda: engine.stage_live(model, short, 1)),
        "bare night": cpu_ms(lambda: engine.stage_night(model, long)),
        "bare night, network": cpu_ms(lambda: engine.stage_night(net, long)),
    }


def networked(model: Model) -> Model:
    """Three dilated convolutions over the same features."""
    columns = model.columns.names(model.features)
    head = network.load(convolutions(len(columns), len(model.labels), (32, 32, 32)))
    return replace(model, head=head, decoder=None)


def cpu_ms(call: Callable[[], object], calls: int = 200) -> float:
    """The median of five runs: of this thread and of those that it lets work for it."""
    call()
    found = []
    for _ in range(5):
        started = time.process_time()
        for _ in range(calls // 5):
            call()
        found.append((time.process_time() - started) / (calls // 5) * 1000)
    return float(np.median(found))
