"""An answer in two parts: kept with its effect, and told in full once that is committed."""

from collections.abc import Callable
from typing import ClassVar

import pytest
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from noctis import urls
from noctis.views import Continued
from tenants.roles import Capability
from tenants.viewsets import ApiViewSet
from tests.factories import ServiceClientFactory, signatory
from tests.noctis.test_idempotency import EFFECT, effects, is_replay, post
from tests.tokens import Signatory

WHERE = "/v1/continued"


class Continues(ApiViewSet):
    policy = {"create": Capability.CLIENTS_WRITE}
    then: ClassVar[Callable[[], Response]]

    def create(self, request: Request) -> Response:
        ServiceClientFactory(tenant=self.caller.tenant, role=EFFECT)
        return Continued({"known": "little"}, then=type(self).then)


urlpatterns = [
    path(WHERE.removeprefix("/"), Continues.as_view({"post": "create"})),
    *urls.urlpatterns,
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture
def admin() -> Signatory:
    return signatory(client__role="admin")


def then(monkeypatch: pytest.MonkeyPatch, told: Callable[[], Response]) -> None:
    monkeypatch.setattr(Continues, "then", staticmethod(told), raising=False)


def all_of_it() -> Response:
    return Response({"known": "all"})


def a_bug() -> Response:
    raise RuntimeError("a bug")


def test_the_whole_answer_takes_the_first_ones_place(
    admin: Signatory, monkeypatch: pytest.MonkeyPatch
) -> None:
    then(monkeypatch, all_of_it)

    first, again = (post(admin, WHERE) for _ in range(2))

    assert first.json() == again.json() == {"known": "all"}
    assert (is_replay(first), is_replay(again), effects()) == (False, True, 1)


def test_without_a_key_only_the_whole_is_told(
    admin: Signatory, monkeypatch: pytest.MonkeyPatch
) -> None:
    then(monkeypatch, all_of_it)

    assert post(admin, WHERE, key=None).json() == {"known": "all"}


def test_what_fails_after_the_commit_leaves_the_effect_and_the_first_answer(
    admin: Signatory, monkeypatch: pytest.MonkeyPatch
) -> None:
    then(monkeypatch, a_bug)

    first, again = (post(admin, WHERE) for _ in range(2))

    assert (first.status_code, again.status_code) == (500, 200)
    assert again.json() == {"known": "little"}
    assert effects() == 1
