"""Epochs come in over HTTP: the hot path. No row of a batch is touched by Python here."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from devices.models import Device
from noctis import errors, metrics
from noctis.http import read_json
from recordings import grid, intake, refusals
from recordings.batches import DeviceBatch
from recordings.bodies import ingest as bodies
from recordings.bodies.nights import time_zones
from recordings.services import epochs, nights, schemas
from recordings.services.epochs import Source
from recordings.services.nights import Instrument, Night
from tenants.roles import Capability
from tenants.viewsets import ApiViewSet

APPENDING = ["epoch_conflict", "epoch_off_grid", "past_retention"]


class Ingest(ApiViewSet):
    policy = {"ingest": Capability.EPOCHS_WRITE, "ingest_device": Capability.EPOCHS_WRITE}
    repeatable = frozenset({"ingest", "ingest_device"})
    route_class = "ingest"
    # Of the batch at hand; one that could not be read has none of the known.
    form = "unread"

    @extend_schema(
        operation_id="ingest_epochs",
        request=bodies.Batch,
        responses=bodies.Ingested,
        extensions={"x-codes": [*APPENDING, "feature_schema_mismatch"]},
    )
    def ingest(self, request: Request) -> Response:
        """Add epochs to a recording: all of them or none. 200 means committed; repeat at will."""
        spoken = schemas.active()
        taken = intake.read_batch(read_json(request), spoken)
        self.form = taken.form
        source = Source(self.caller.tenant, taken.recording_uuid, self.caller.device_uuid)
        appended = epochs.append_epochs(source=source, schema_id=spoken.id, batch=taken.batch)
        return Response(bodies.ingested(taken.recording_uuid, taken.batch, appended))

    @extend_schema(
        operation_id="ingest_device_epochs",
        request=bodies.DeviceBatch,
        responses=bodies.DeviceIngested,
        extensions={"x-codes": [*APPENDING, "device_not_found", "device_retired"]},
    )
    def ingest_device(self, request: Request) -> Response:
        """The same for a device that knows no ids: its recording is found, or opened."""
        spoken = schemas.active()
        sent, batch = intake.read_device_batch(read_json(request), spoken)
        self.form = "device"
        if sent.timezone is not None and sent.timezone not in time_zones():
            problem = errors.Problem("/timezone", "unknown_time_zone", "no IANA time zone")
            raise errors.Invalid(problems=[problem])
        with transaction.atomic():
            device = self._device(sent)
            night = self._night(device, sent)
            source = Source(self.caller.tenant, night, device.uuid)
            appended = epochs.append_epochs(source=source, schema_id=spoken.id, batch=batch)
        return Response(bodies.device_ingested(device, night, appended))

    def _device(self, sent: DeviceBatch) -> Device:
        return nights.known_device(
            tenant=self.caller.tenant,
            instrument=Instrument(
                sent.device_external_id, sent.device_name, self.caller.device_uuid
            ),
            actor=self.caller.actor,
        )

    def _night(self, device: Device, sent: DeviceBatch) -> UUID:
        """By id, by its start, the open one, or a new one whose grid fits the first epoch."""
        if sent.recording_id is not None:
            return sent.recording_id
        started_at, pointer = sent.recording_started_at, "/recording_started_at"
        if started_at is None:
            started_at, pointer = _start_of(sent), "/epochs/0/epoch_start_ts"
            known = nights.going_on(device=device, started_at=started_at)
            if known is not None:
                return UUID(str(known.uuid))
        night = Night(started_at=started_at, timezone=sent.timezone, start_pointer=pointer)
        return UUID(str(nights.find_or_open(device=device, night=night).uuid))

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        if not getattr(response, "is_rendered", False):  # one to be kept comes here twice
            metrics.INGEST_REQUESTS.labels(form=self.form).inc()
            if response.status_code >= 400:
                metrics.INGEST_FAILURES.labels(code=_code_of(response)).inc()
        return super().finalize_response(request, response, *args, **kwargs)


def _code_of(refused: HttpResponse) -> str:
    """Of one that is made now, or was kept and is repeated."""
    told = refused.data if isinstance(refused, Response) else msgspec.json.decode(refused.content)
    return str(told["code"])


def _start_of(sent: DeviceBatch) -> datetime:
    """The start of the grid that the first epoch fits exactly."""
    first = min(sent.epochs, key=lambda epoch: epoch.epoch_index)
    try:
        return grid.epoch_start(first.epoch_start_ts, -first.epoch_index)
    except OverflowError:
        raise refusals.PastRetention from None
