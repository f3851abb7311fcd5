"""The walk over all routes on a platform with one rule broken: if it finds nothing, it proves
nothing."""

import pytest
from django.http import Http404

from noctis import errors, limits
from tenants import permissions
from tenants.models.owned import OwnedQuerySet
from tenants.viewsets import OwnedViewSet
from tests.routes import World
from tests.test_routes import METHODS, WALKED, Walk, door_to, faults

pytestmark = pytest.mark.django_db
# Enough of them: it is the walk's eyes that are looked at.
WHO = ("nobody", "read client of a customer", "admin client of a customer")
ONE, LIST = "v1/devices/<id:id>", "v1/devices"


@pytest.fixture(autouse=True)
def _without_limits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LIMITS", {})


@pytest.fixture
def world() -> World:
    return World()


def found_at(route: str, world: World) -> str:
    """What the walk has to say of one route, line by line."""
    door = door_to(next(known for known in WALKED if known.route == route), world)
    walk = Walk(door)
    return "\n".join(
        f"{method} as {visitor.name}, {fault}"
        for visitor in door.world.visitors
        if visitor.name in WHO
        for method in METHODS
        for fault in faults(walk, visitor, method)
    )


def test_as_it_is_there_is_nothing_to_say(world: World) -> None:
    assert (found_at(ONE, world), found_at(LIST, world)) == ("", "")


def test_rows_of_every_tenant_are_found_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OwnedQuerySet, "owned_by", lambda rows, _tenant: rows)

    assert "GET as read client of a customer, another tenant's: 200 where 404 is due" in (
        found_at(ONE, world)
    )
    assert "GET as read client of a customer, own: tells of the neighbour" in found_at(LIST, world)


def test_roles_that_nobody_asks_for_are_found_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permissions, "require", lambda _caller, _capability: None)

    assert "PATCH as read client of a customer, own:" in found_at(ONE, world)
    assert "POST as read client of a customer, own:" in found_at(LIST, world)


def test_another_answer_for_what_is_anothers_is_found_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = OwnedViewSet.get_object

    def tell_apart(view: OwnedViewSet) -> object:
        try:
            return look(view)
        except (errors.Missing, Http404):
            rows = view.model._base_manager.filter(uuid=str(view.kwargs["id"]))
            raise errors.Missing("It is another tenant's." if rows.exists() else "") from None

    monkeypatch.setattr(OwnedViewSet, "get_object", tell_apart)

    assert "another answer than for another tenant's" in found_at(ONE, world)
