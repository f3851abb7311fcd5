"""`/v1` routes of access: who am I, sign-in, clients and their keys, the audit log."""

from datetime import timedelta
from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from noctis import errors
from tenants import bodies
from tenants.models import AuditEntry, ServiceClient, ServiceClientKey
from tenants.permissions import PUBLIC
from tenants.roles import Capability
from tenants.services import clients, operators
from tenants.viewsets import PAGING, ApiViewSet, OwnedViewSet


class Whoami(ApiViewSet):
    policy = {"retrieve": Capability.WHOAMI}

    @extend_schema(operation_id="whoami", responses=bodies.Whoami)
    def retrieve(self, request: Request) -> Response:
        """Say who the token is, and what it may do."""
        return Response(bodies.whoami(self.caller))


class SignIn(ApiViewSet):
    """Answers 401 for every cause alike; the allowance is the address's."""

    policy = {"create": PUBLIC, "renew": PUBLIC}
    route_class = "sign_in"
    authentication_classes = []

    @extend_schema(
        operation_id="sign_in",
        request=bodies.SignIn,
        responses={200: bodies.Pair},
        extensions={"x-codes": ["sign_in_refused"]},
    )
    def create(self, request: Request) -> Response:
        """Exchange an operator's credentials for a token pair of one tenant."""
        body = bodies.SignIn.read(request.data)
        pair = operators.sign_in(
            username=body["username"],
            password=body["password"],
            otp=body["otp"],
            tenant_slug=body["tenant"],
        )
        return Response(bodies.pair(pair))

    @extend_schema(
        operation_id="renew",
        request=bodies.Renew,
        responses={200: bodies.Pair},
        extensions={"x-codes": ["sign_in_refused"]},
    )
    def renew(self, request: Request) -> Response:
        """Exchange a refresh token for a new pair; the old refresh token is spent."""
        body = bodies.Renew.read(request.data)
        return Response(bodies.pair(operators.renew(refresh=body["refresh"])))


class Clients(OwnedViewSet):
    policy = {
        "list": Capability.CLIENTS_READ,
        "retrieve": Capability.CLIENTS_READ,
        "create": Capability.CLIENTS_WRITE,
        "enable": Capability.CLIENTS_WRITE,
        "disable": Capability.CLIENTS_WRITE,
    }
    parameters = {"list": PAGING}
    queryset = ServiceClient.objects.all()

    @extend_schema(operation_id="list_clients", responses=bodies.Client(many=True))
    def list(self, request: Request) -> Response:
        """The tenant's service clients, newest first."""
        return self.page(bodies.client)

    @extend_schema(operation_id="get_client", responses=bodies.Client)
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """One service client."""
        return Response(bodies.client(self.get_object()))

    @extend_schema(
        operation_id="create_client",
        request=bodies.NewClient,
        responses={201: bodies.ClientWithKey},
        extensions={"x-codes": ["name_taken"]},
    )
    def create(self, request: Request) -> Response:
        """Register a service client with its first key; the secret is in this answer only."""
        body = bodies.NewClient.read(request.data)
        client, issued = clients.create_client(
            tenant=self.caller.tenant,
            name=body["name"],
            role=body["role"],
            actor=self.caller.actor,
            request=bodies.key_request(body),
        )
        answer = bodies.client(client) | {"key": bodies.issued(issued)}
        return Response(answer, 201, headers={"Location": f"/v1/clients/{client.uuid}"})

    @extend_schema(operation_id="enable_client", request=bodies.Reason, responses=bodies.Client)
    def enable(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """Let the client in again."""
        return self._set_enabled(request, is_enabled=True)

    @extend_schema(operation_id="disable_client", request=bodies.Reason, responses=bodies.Client)
    def disable(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """Shut the client out; every process refuses it within five seconds."""
        return self._set_enabled(request, is_enabled=False)

    def _set_enabled(self, request: Request, *, is_enabled: bool) -> Response:
        client = self.get_object()
        body = bodies.Reason.read(request.data)
        changed = clients.set_enabled(
            client=client, is_enabled=is_enabled, actor=self.caller.actor, reason=body["reason"]
        )
        return Response(bodies.client(changed))


class ClientKeys(OwnedViewSet):
    policy = {
        "list": Capability.CLIENTS_READ,
        "rotate": Capability.CLIENTS_WRITE,
        "revoke": Capability.CLIENTS_WRITE,
    }
    parameters = {"list": PAGING}
    queryset = ServiceClientKey.objects.all()
    lookup_field = "kid"
    lookup_url_kwarg = "kid"

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(client=self._client())

    def _client(self) -> ServiceClient:
        owned = ServiceClient.objects.all().owned_by(self.caller.tenant)
        client = owned.filter(uuid=bodies.uuid_or_404(self.kwargs["id"])).first()
        if client is None:
            raise Http404
        return client

    @extend_schema(operation_id="list_keys", responses=bodies.Key(many=True))
    def list(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """The client's keys, newest first; secrets are never shown again."""
        return self.page(bodies.key)

    @extend_schema(
        operation_id="rotate_key", request=bodies.Rotation, responses={201: bodies.IssuedKey}
    )
    def rotate(self, request: Request, id: str) -> Response:  # noqa: A002 - the route's name
        """Issue a new key; the active ones are accepted until the overlap is over."""
        client = self._client()
        body = bodies.Rotation.read(request.data)
        issued = clients.rotate_key(
            client=client,
            overlap=timedelta(seconds=body["overlap_seconds"]),
            actor=self.caller.actor,
            request=bodies.key_request(body),
            reason=body["reason"],
        )
        at = f"/v1/clients/{client.uuid}/keys"
        return Response(bodies.issued(issued), 201, headers={"Location": at})

    @extend_schema(
        operation_id="revoke_key",
        request=bodies.Reason,
        responses=bodies.Key,
        extensions={"x-codes": ["conflict"]},
    )
    def revoke(self, request: Request, id: str, kid: str) -> Response:  # noqa: A002 - as above
        """End a key now. A key cannot end itself: rotate first."""
        key = self.get_object()
        body = bodies.Reason.read(request.data)
        if key.kid == self.caller.kid:
            raise errors.Conflict("This request is signed with that key; rotate it instead.")
        revoked = clients.revoke_key(key=key, actor=self.caller.actor, reason=body["reason"])
        return Response(bodies.key(revoked))


class Audit(OwnedViewSet):
    policy = {"list": Capability.AUDIT_READ}
    parameters = {"list": PAGING | {"request_id"}}
    queryset = AuditEntry.objects.all()
    keyset = "at"

    @extend_schema(
        operation_id="list_audit",
        parameters=[OpenApiParameter("request_id", str, description="Only what this request did.")],
        responses=bodies.AuditEntry(many=True),
    )
    def list(self, request: Request) -> Response:
        """The tenant's audit log, newest first."""
        rows = self.get_queryset()
        if request_id := request.query_params.get("request_id"):
            rows = rows.filter(request_id=request_id)
        return self.page(bodies.audit_entry, rows)
