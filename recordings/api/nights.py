"""`/v1/recordings`: opened, started by their devices, listed, closed, erased."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from devices.models import Device
from noctis import errors, etags, filters
from recordings.api.erasures import accepted
from recordings.bodies import nights as bodies
from recordings.bodies.erasures import Erasure
from recordings.models import Recording
from recordings.services import erasure, nights
from tenants.bodies import uuid_or_404
from tenants.roles import Capability
from tenants.viewsets import PAGING, OwnedViewSet

OPENING = ["past_retention", "recording_exists", "device_retired"]


class Recordings(OwnedViewSet):
    """A key that is bound to a device sees that device's nights and no other."""

    policy = {
        "list": Capability.RECORDINGS_READ,
        "retrieve": Capability.RECORDINGS_READ,
        "create": Capability.RECORDINGS_WRITE,
        "start": Capability.RECORDINGS_WRITE,
        "close": Capability.RECORDINGS_WRITE,
        "erase": Capability.ERASE,
    }
    parameters = {"list": PAGING | bodies.FILTERS.keys()}
    queryset = Recording.objects.select_related("device")
    keyset = "started_at"
    repeatable = frozenset({"close", "erase"})

    def get_queryset(self) -> QuerySet[Any]:
        owned: Any = super().get_queryset()
        rows: QuerySet[Any] = owned.bound_to(self.caller.device_uuid)
        return rows

    @extend_schema(
        operation_id="list_recordings",
        parameters=filters.described(bodies.FILTERS),
        responses=bodies.Recording(many=True),
    )
    def list(self, request: Request) -> Response:
        """The tenant's nights, the last started first."""
        rows = filters.narrowed(self.get_queryset(), bodies.FILTERS, request.query_params)
        return self.page(bodies.recording, rows)

    @extend_schema(
        operation_id="get_recording",
        parameters=[etags.SHOWN, etags.IF_NONE_MATCH],
        responses={200: bodies.Recording, 304: None},
    )
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """One night; its `ETag` changes with every epoch that is added."""
        recording = self.get_object()
        tag = etags.tag_of(recording.updated_at)
        if etags.is_known(tag, request.headers.get("If-None-Match", "")):
            return Response(status=304, headers={"ETag": tag})
        return self._shown(recording)

    @extend_schema(
        operation_id="open_recording",
        parameters=[etags.SHOWN],
        request=bodies.NewRecording,
        responses={201: bodies.Recording},
        extensions={"x-codes": OPENING},
    )
    def create(self, request: Request) -> Response:
        """Open a night on a device."""
        body = bodies.NewRecording.read(request.data)
        device = self._device(body["device_id"])
        return self._created(nights.open_recording(device=device, night=bodies.night(body)))

    def _device(self, wanted: Any) -> Device:
        owned = Device.objects.owned_by(self.caller.tenant).bound_to(self.caller.device_uuid)
        device: Device | None = owned.filter(uuid=wanted).select_related("tenant").first()
        if device is None:
            problem = errors.Problem("/device_id", "not_found", "there is no such device")
            raise errors.Missing(problems=[problem])
        return device

    @extend_schema(
        operation_id="start_recording",
        parameters=[etags.SHOWN],
        request=bodies.Start,
        responses={200: bodies.Recording, 201: bodies.Recording},
        extensions={"x-codes": [*OPENING, "device_not_found"]},
    )
    def start(self, request: Request) -> Response:
        """Begin a device's night and close its open one; the same start gives the same night.

        200 where the night was there already."""
        body = {"started_at": timezone.now()} | bodies.Start.read(request.data)
        recording, is_new = nights.start_recording(
            tenant=self.caller.tenant,
            instrument=bodies.instrument(body, self.caller.device_uuid),
            night=bodies.night(body),
            actor=self.caller.actor,
        )
        return self._created(recording) if is_new else self._shown(recording)

    @extend_schema(
        operation_id="close_recording",
        parameters=[etags.SHOWN],
        request=bodies.Close,
        responses=bodies.Recording,
    )
    def close(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """End a night. Closing it twice is the same answer; late epochs are taken all the same."""
        recording, body = self.get_object(), bodies.Close.read(request.data)
        closed = nights.close_recording(recording=recording, ended_at=body.get("ended_at"))
        return self._shown(closed)

    @extend_schema(operation_id="erase_recording", request=None, responses={202: Erasure})
    def erase(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """Erase a night with its epochs and labels; from now on it is not there.

        `GET /v1/erasures/{id}` says when it is done. Asked again meanwhile, it is the same job."""
        due = erasure.erase_recording(
            tenant=self.caller.tenant, recording_uuid=uuid_or_404(id), actor=self.caller.actor
        )
        return accepted(due)

    def _created(self, recording: Recording) -> Response:
        at = f"/v1/recordings/{recording.uuid}"
        return self._shown(recording, status=201, headers={"Location": at})

    def _shown(self, recording: Recording, **more: Any) -> Response:
        response = Response(bodies.recording(recording), **more)
        response["ETag"] = etags.tag_of(recording.updated_at)
        return response
