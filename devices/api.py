"""`/v1/devices`: registered, listed, changed, given keys of their own."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from devices import bodies, services
from devices.models import Device
from noctis import etags, filters
from tenants.roles import Capability
from tenants.viewsets import PAGING, OwnedViewSet


class Devices(OwnedViewSet):
    policy = {
        "list": Capability.DEVICES_READ,
        "retrieve": Capability.DEVICES_READ,
        "create": Capability.DEVICES_WRITE,
        "change": Capability.DEVICES_WRITE,
        "credential": Capability.CREDENTIALS_WRITE,
    }
    parameters = {"list": PAGING | bodies.FILTERS.keys()}
    queryset = Device.objects.all()

    @extend_schema(
        operation_id="list_devices",
        parameters=filters.described(bodies.FILTERS),
        responses=bodies.Device(many=True),
    )
    def list(self, request: Request) -> Response:
        """The tenant's devices, newest first."""
        rows = filters.narrowed(self.get_queryset(), bodies.FILTERS, request.query_params)
        return self.page(bodies.device, rows)

    @extend_schema(operation_id="get_device", parameters=[etags.SHOWN], responses=bodies.Device)
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """One device; its `ETag` changes with its facts, not with `last_seen_at`."""
        return self._shown(self.get_object())

    @extend_schema(
        operation_id="register_device",
        parameters=[etags.SHOWN],
        request=bodies.NewDevice,
        responses={201: bodies.Device},
        extensions={"x-codes": ["external_id_taken"]},
    )
    def create(self, request: Request) -> Response:
        """Register a device."""
        body = bodies.NewDevice.read(request.data)
        device = services.register_device(
            tenant=self.caller.tenant, facts=body, actor=self.caller.actor
        )
        return self._shown(device, status=201, headers={"Location": f"/v1/devices/{device.uuid}"})

    @extend_schema(
        operation_id="change_device",
        parameters=[etags.SHOWN, etags.IF_MATCH],
        request=bodies.DeviceChange,
        responses=bodies.Device,
        extensions={"x-codes": ["external_id_taken", "precondition_failed"]},
    )
    def change(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """Change a device; what is left out stays as it is."""
        device, facts = self.get_object(), bodies.DeviceChange.read(request.data)
        if_match = request.headers.get("If-Match")
        changed = services.change_device(
            device=device, facts=facts, actor=self.caller.actor, if_match=if_match
        )
        return self._shown(changed)

    @extend_schema(
        operation_id="issue_device_credential",
        request=bodies.NewCredential,
        responses={201: bodies.Credential},
        extensions={"x-codes": ["device_retired"]},
    )
    def credential(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """Give the device a key of its own, beside those it has; a secret is shown this once."""
        device = self.get_object()
        asked = bodies.key_request(bodies.NewCredential.read(request.data))
        client, issued = services.issue_credential(
            device=device, request=asked, actor=self.caller.actor
        )
        at = f"/v1/clients/{client.uuid}/keys"
        return Response(bodies.credential(client, issued), 201, headers={"Location": at})

    def _shown(self, device: Device, **more: Any) -> Response:
        response = Response(bodies.device(device), **more)
        response["ETag"] = etags.tag_of(device.updated_at)
        return response
