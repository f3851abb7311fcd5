"""Every route, method and role; own, other tenants', absent and malformed ids: nobody sees or does
more than the role table says. A route that is added tomorrow is walked tomorrow."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import cycle
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from rest_framework.test import APIRequestFactory

from noctis import limits
from tenants.models import ServiceClientKey, Tenant
from tenants.permissions import PUBLIC, UndeclaredPolicy
from tenants.roles import Capability
from tenants.viewsets import ApiViewSet
from tests.route_objects import OBJECTS, SHARED, key_path
from tests.routes import Route, Visitor, World, routes
from tests.tokens import Members

pytestmark = pytest.mark.django_db

# Routes without a token, each for a reason that can be said.
OPEN = {
    "": "the way in, for people",
    "healthz": "probe",
    "readyz": "probe",
    "metrics": "for the monitoring, behind the proxy",
    "v1/openapi.json": "the description of the API",
    "v1/docs": "the description of the API",
    "v1/problems": "the description of the API",
    "v1/problems/<id:code>": "the description of the API",
    "static/<path:path>": "styles and scripts",
}
# The console has sessions instead of tokens; its pages are walked by its own tests.
CONSOLE = "console/"


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
MALFORMED = {
    "a word": "not-an-id",
    "NUL": "%00",
    "a newline": "%0A",
    "zero": "0",
    "negative": "-1",
    "long": "9" * 400,
    "not UTF-8": "%C3%28",
    "an emoji": "%F0%9F%98%B4",
    "SQL": "%27%20OR%201=1--",
    "dots": "..%00",
    "a blank": "%20",
}
OF_THE_REQUEST = ("instance", "request_id")
WALKED = [route for route in routes() if route.view and issubclass(route.view, ApiViewSet)]


@pytest.fixture(autouse=True)
def _without_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LIMITS", {})


@pytest.fixture
def world() -> World:
    return World()


@dataclass(frozen=True)
class Door:
    """One route as the walk knocks at it, with an object of every tenant behind it."""

    route: Route
    world: World
    objects: Mapping[int, Mapping[str, str]]
    # The neighbour's, one object of every kind, so that a list has something to give away.
    belongings: list[str]
    client: Client

    @property
    def is_open(self) -> bool:
        return not self.route.view.authentication_classes

    def knock(self, visitor: Visitor, method: str, path: str, **more: str) -> HttpResponse:
        """Ask, and undo whatever it did."""
        headers = {"Authorization": f"Bearer {visitor.token}"} if visitor.token else {}
        with transaction.atomic():
            answer = self.client.generic(
                method, path, "{}", "application/json", headers=headers | more
            )
            transaction.set_rollback(True)
        return answer

    def own(self, visitor: Visitor) -> str:
        return self.route.path(self.objects[visitor.tenant.pk])

    def elsewhere(
        self, visitor: Visitor, malformed: Mapping[str, str]
    ) -> Iterator[tuple[str, str]]:
        """Paths that lead this visitor nowhere: all parameters wrong, or one of several."""
        behind = self.objects[visitor.tenant.pk]
        own = {name: behind[name] for name in self.route.parameters}
        wrongs = {
            "another tenant's": self.objects[self.world.neighbour.pk],
            "absent": {name: absent_like(value) for name, value in own.items()},
        } | {name: dict.fromkeys(own, text) for name, text in malformed.items()}
        if self.route.view in SHARED:
            del wrongs["another tenant's"]
        for how, values in wrongs.items():
            yield how, self.route.path(values)
            if len(own) > 1:
                for name in own:
                    yield f"{how} {name}", self.route.path({**own, name: values[name]})

    def canaries(self) -> set[str]:
        neighbour = self.world.neighbour
        sealed = ServiceClientKey.objects.values_list("material", flat=True)
        theirs = [*self.belongings]
        if self.route.view not in SHARED:
            theirs += self.objects[neighbour.pk].values()
        return {neighbour.slug, neighbour.name, str(neighbour.uuid), *theirs, *sealed}


def nothing(_: Tenant) -> dict[str, str]:
    """Where an address leads to no single object."""
    return {}


def absent_like(value: str) -> str:
    try:
        UUID(value)
    except ValueError:
        return f"k_{uuid4().hex[: len(value) - 2]}"
    return str(uuid4())


@pytest.fixture
def door(request: pytest.FixtureRequest, world: World) -> Door:
    return door_to(request.param, world)


def door_to(route: Route, world: World) -> Door:
    path_of = (OBJECTS | SHARED).get(route.view, nothing)
    if route.parameters and path_of is nothing:
        pytest.fail(
            f"{route.route} leads to an object of {route.view.__name__}, and the walk knows none: "
            f"add `{route.view.__name__}: <function>` to OBJECTS in tests/route_objects.py; it "
            f"takes a tenant, makes one object of it, and returns {route.parameters}."
        )
    objects = {tenant.pk: path_of(tenant) for tenant in world.tenants}
    belongings = [value for each in OBJECTS.values() for value in each(world.neighbour).values()]
    return Door(route, world, objects, belongings, Client(raise_request_exception=False))


every_door = pytest.mark.parametrize("door", WALKED, ids=lambda door: door.route, indirect=True)


def told(answer: HttpResponse) -> tuple[int, Members]:
    """All of an answer but for what names the request itself."""
    body = json.loads(answer.content) if answer.content else {}
    return answer.status_code, {k: v for k, v in body.items() if k not in OF_THE_REQUEST}


@dataclass
class Walk:
    """Who is answered as nobody before tries every malformed id, all others one of them in turn.

    How an id is read does not depend on who asks; all by all is twice as many requests."""

    door: Door
    known: set[tuple[str, int | None]] = field(default_factory=set)
    turns: Iterator[str] = field(default_factory=lambda: cycle(MALFORMED))

    def malformed(self, method: str, demanded: int | None) -> Mapping[str, str]:
        names = [next(self.turns)] if (method, demanded) in self.known else [*MALFORMED]
        self.known.add((method, demanded))
        return {name: MALFORMED[name] for name in names}


def faults(walk: Walk, visitor: Visitor, method: str) -> Iterator[str]:
    """What is wrong with the answers to one visitor and one method."""
    door = walk.door
    demanded = visitor.outcome(door.route.capability(method), is_open=door.is_open)
    answer = door.knock(visitor, method, door.own(visitor))
    is_let_in = answer.status_code < 500 and answer.status_code not in (401, 403, 404, 405)
    if not (is_let_in if demanded is None else answer.status_code == demanded):
        yield f"own: {answer.status_code} where {demanded or 'an answer'} is due"
    if any(canary in str(told(answer)) for canary in door.canaries()):
        yield "own: tells of the neighbour, or a secret"
    if door.route.parameters and door.route.capability(method):
        paths = door.elsewhere(visitor, walk.malformed(method, demanded))
        yield from _elsewhere(door, visitor, method, demanded or 404, paths)


def _elsewhere(
    door: Door,
    visitor: Visitor,
    method: str,
    demanded: int,
    paths: Iterator[tuple[str, str]],
) -> Iterator[str]:
    canaries, first = door.canaries(), None
    for how, path in paths:
        answer = door.knock(visitor, method, path)
        first = first or told(answer)
        if answer.status_code != demanded:
            yield f"{how}: {answer.status_code} where {demanded} is due"
        elif told(answer) != first:
            yield f"{how}: another answer than for another tenant's"
        if any(canary in str(told(answer)) for canary in canaries):
            yield f"{how}: tells of the neighbour, or a secret"


@every_door
def test_nobody_gets_more_than_the_role_table_says(door: Door) -> None:
    walk = Walk(door)
    found = [
        f"{method} as {visitor.name}, {fault}"
        for visitor in door.world.visitors
        for method in METHODS
        for fault in faults(walk, visitor, method)
    ]

    assert not found, "\n".join(found)


@every_door
def test_naming_another_tenant_changes_nothing(door: Door) -> None:
    admin = next(v for v in door.world.visitors if v.name == "admin client of a customer")
    named = str(door.world.neighbour.uuid)
    queries = [f"?{name}={named}" for name in ("tenant", "tenant_id", "tenant__uuid")]

    answers = [door.knock(admin, "GET", door.own(admin) + query) for query in queries]
    answers.append(door.knock(admin, "GET", door.own(admin), **{"X-Tenant-Id": named}))

    assert all(answer.status_code < 500 for answer in answers)
    assert not any(c in str(told(answer)) for c in door.canaries() for answer in answers)


@every_door
def test_no_query_parameter_breaks_the_server(door: Door) -> None:
    admin = next(v for v in door.world.visitors if v.name == "admin client of a customer")
    known = {name for names in door.route.view.parameters.values() for name in names}
    paths = [f"{door.own(admin)}?{name}={value}" for name in known for value in MALFORMED.values()]

    answers = {path: door.knock(admin, "GET", path).status_code for path in paths}

    assert not {path: status for path, status in answers.items() if status >= 500}


def test_every_route_declares_who_may_call() -> None:
    undeclared = [route.route for route in routes() if not is_declared(route)]

    assert not undeclared, (
        f"no policy: {undeclared}. Derive the view from ApiViewSet or OwnedViewSet with a `policy` "
        "for each action, or say in OPEN in tests/test_routes.py why anybody may call."
    )


def is_declared(route: Route) -> bool:
    if route in WALKED:
        policy = getattr(route.view, "policy", {})
        capabilities = [policy.get(action) for action in route.actions.values()]
        return all(c == PUBLIC or isinstance(c, Capability) for c in capabilities)
    return route.route in OPEN or route.route.startswith(CONSOLE)


def test_only_signing_in_is_public_behind_the_version() -> None:
    public = [
        route.route for route in WALKED if PUBLIC in map(route.capability, route.actions.keys())
    ]

    assert public == ["v1/auth/token", "v1/auth/token/refresh"]


def test_every_address_is_there_once() -> None:
    addresses = [route.route for route in routes()]

    assert len(addresses) == len(set(addresses))


def test_what_the_walk_lists_still_exists() -> None:
    assert set(OPEN) <= {route.route for route in routes()}
    assert set(OBJECTS | SHARED) <= {route.view for route in WALKED}


def test_a_view_without_a_policy_answers_nobody(world: World) -> None:
    class Forgotten(ApiViewSet):
        def list(self, request: object) -> None:
            raise AssertionError("answered")

    request = APIRequestFactory().get("/", headers={"Authorization": f"Bearer {admin_of(world)}"})

    with pytest.raises(UndeclaredPolicy, match=r"Forgotten\.list"):
        Forgotten.as_view({"get": "list"})(request)


def test_a_policy_that_is_no_capability_answers_nobody(world: World) -> None:
    class Misspelt(ApiViewSet):
        policy = {"list": "clients.raed"}

        def list(self, request: object) -> None:
            raise AssertionError("answered")

    request = APIRequestFactory().get("/", headers={"Authorization": f"Bearer {admin_of(world)}"})

    with pytest.raises(UndeclaredPolicy):
        Misspelt.as_view({"get": "list"})(request)


def admin_of(world: World) -> str:
    return next(v.token for v in world.visitors if v.name == "admin client of the platform")


@pytest.mark.parametrize("route", OPEN)
def test_an_open_route_tells_nothing_of_a_tenant(route: str, world: World, client: Client) -> None:
    path = key_path(world.neighbour)
    values = {"code": "not_found", "path": "noctis.css"}
    address = next(r for r in routes() if r.route == route).path(values)

    answer = client.get(address)

    content = answer.getvalue().decode()
    assert answer.status_code < 500
    assert not any(secret in content for secret in (world.neighbour.slug, *path.values()))


@pytest.mark.parametrize("path", ["/v1/nothing", "/v2/clients", "/internal", "/v1/clients/"])
def test_an_unknown_path_is_not_found_for_everybody(path: str, world: World) -> None:
    client = Client(raise_request_exception=False)
    tokens = ["", admin_of(world)]

    answers = [
        client.get(path, headers={"Authorization": f"Bearer {token}"} if token else {})
        for token in tokens
    ]

    assert [answer.json()["code"] for answer in answers] == ["not_found"] * 2


def test_a_token_opens_no_page_of_the_console(world: World) -> None:
    client = Client(raise_request_exception=False)
    headers = {"Authorization": f"Bearer {admin_of(world)}"}
    pages = [r for r in routes() if r.route.startswith(CONSOLE) and "(?P" not in r.route]

    answers = {
        page.route: client.get(page.path(dict.fromkeys(page.parameters, "1")), headers=headers)
        for page in pages
    }

    opened = {route for route, answer in answers.items() if answer.status_code not in (302, 404)}
    assert opened == {"console/login/"}
