"""Operators' tokens: the pair, its renewal, the one-time code, and all that ends them."""

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from rest_framework_simplejwt.tokens import RefreshToken

from tenants import totp
from tenants.models import Membership, Operator, Tenant
from tenants.services import operators, tenants
from tests.factories import ACTOR, PASSWORD, MembershipFactory, OperatorFactory, TenantFactory
from tests.tenants.conftest import Ask
from tests.tokens import Signatory, segment

pytestmark = pytest.mark.django_db

Post = Callable[..., HttpResponse]


@pytest.fixture
def post() -> Post:
    client = Client(raise_request_exception=False)

    def send(path: str, *, headers: dict[str, str] | None = None, **body: object) -> HttpResponse:
        return client.post(path, body, content_type="application/json", headers=headers or {})

    return send


@pytest.fixture
def ada() -> Membership:
    return MembershipFactory(operator=OperatorFactory(username="ada", password=PASSWORD))


@pytest.fixture
def sign_in(post: Post, ada: Membership) -> Post:
    """Sign in as Ada, but for what is named."""
    right = {"username": "ada", "password": PASSWORD, "tenant": ada.tenant.slug}

    def send(**changes: object) -> HttpResponse:
        return post("/v1/auth/token", **(right | changes))

    return send


def renew(post: Post, refresh: str) -> HttpResponse:
    return post("/v1/auth/token/refresh", refresh=refresh)


def told(answer: HttpResponse) -> dict[str, object]:
    return {**answer.json(), "request_id": "", "instance": "", "status": answer.status_code}


def enrol(membership: Membership) -> str:
    return operators.enrol_second_factor(
        operator=membership.operator, tenant=membership.tenant, actor=ACTOR
    )


def code_now(secret: str) -> str:
    return totp.code_at(secret, int(time.time()) // totp.STEP_S)


def test_an_operator_gets_a_pair_and_calls_with_it(
    sign_in: Post, whoami: Ask, ada: Membership
) -> None:
    pair = sign_in().json()

    answer = whoami(pair["access"]).json()

    assert (answer["kind"], answer["name"], answer["role"]) == ("operator", "ada", "admin")
    assert answer["tenant_id"] == str(ada.tenant.uuid)


API_ROLES = {
    "tenant_admin": "admin",
    "tenant_viewer": "read",
    "operator": "reviewer",
    "model_manager": "ml_ops",
    "auditor": "read",
    "platform_admin": "admin",
}


@pytest.mark.parametrize("console_role", API_ROLES)
def test_a_console_role_stands_for_an_api_role(
    console_role: str, sign_in: Post, whoami: Ask, ada: Membership
) -> None:
    Membership.objects.filter(pk=ada.pk).update(role=console_role)

    answer = whoami(sign_in().json()["access"]).json()

    assert answer["role"] == API_ROLES[console_role]
    assert "platform" not in answer["capabilities"]


@pytest.mark.parametrize(
    ("role", "may"), [("platform_admin", True), ("tenant_admin", False), ("operator", False)]
)
def test_only_a_platform_admin_of_the_platform_may_touch_everybodys(
    role: str, may: bool, sign_in: Post, whoami: Ask, ada: Membership
) -> None:
    Tenant.objects.filter(pk=ada.tenant_id).update(kind="platform")
    Membership.objects.filter(pk=ada.pk).update(role=role)

    answer = whoami(sign_in().json()["access"]).json()

    assert ("platform" in answer["capabilities"]) is may


WRONG = {
    "password": {"password": "not it"},
    "user": {"username": "nobody"},
    "user in other case": {"username": "ADA"},
    "tenant": {"tenant": "nowhere"},
    "tenant of others": {"tenant": "neighbours"},
    "everything": {"username": "nobody", "password": "x", "tenant": "nowhere", "otp": "000000"},
    "SQL": {"username": "ada' --", "password": "' OR 1=1"},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_whatever_is_wrong_the_answer_is_the_same(wrong: dict[str, str], sign_in: Post) -> None:
    TenantFactory(slug="neighbours")
    usual = sign_in(password="wrong")

    answer = sign_in(**wrong)

    assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_refused")
    assert told(answer) == told(usual)
    assert answer["WWW-Authenticate"]


def test_an_operator_who_was_made_inactive_is_refused(
    sign_in: Post, whoami: Ask, post: Post
) -> None:
    pair = sign_in().json()
    Operator.objects.update(is_active=False)

    answers = [sign_in(), whoami(pair["access"]), renew(post, pair["refresh"])]

    assert [answer.status_code for answer in answers] == [401, 401, 401]


@pytest.mark.parametrize(
    "body",
    [
        {"username": "a\x00b"},
        {"username": ["ada"]},
        {"username": None},
        {"username": "x" * 151},
        {"password": {"a": 1}},
        {"otp": 123456789012345},
        {"surplus": 1},
    ],
)
def test_a_body_of_the_wrong_shape_is_named(body: dict[str, object], sign_in: Post) -> None:
    answer = sign_in(**body)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")


def test_a_refresh_token_is_good_for_one_new_pair(sign_in: Post, post: Post, whoami: Ask) -> None:
    old = sign_in().json()

    new = renew(post, old["refresh"]).json()

    assert whoami(new["access"]).status_code == 200
    assert renew(post, old["refresh"]).json()["code"] == "sign_in_refused"
    assert renew(post, new["refresh"]).status_code == 200


UNUSABLE = {
    "access token": lambda pair: pair["access"],
    "a word": lambda _: "token",
    "cut off": lambda pair: pair["refresh"][:-3],
    "unsigned": lambda pair: pair["refresh"].rpartition(".")[0] + ".",
    "alg none": lambda pair: f"{segment({'alg': 'none'})}.{pair['refresh'].split('.')[1]}.AAAA",
    "deeply nested": lambda _: f"{segment(b'[' * 1400)}.e30.AAAA",
    "signed by a stranger": lambda _: Signatory("k", "HS256", "x" * 32, "1", "t").token(
        token_type="refresh"
    ),
    "not ASCII": lambda pair: pair["refresh"] + "é",
}


@pytest.mark.parametrize("spoil", UNUSABLE.values(), ids=UNUSABLE)
def test_what_is_no_refresh_token_is_refused(
    spoil: Callable[[dict[str, str]], str], sign_in: Post, post: Post
) -> None:
    pair = sign_in().json()

    answer = renew(post, spoil(pair))

    assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_refused")
    assert renew(post, pair["refresh"]).status_code == 200


def test_an_expired_refresh_token_is_refused(sign_in: Post, post: Post) -> None:
    token = RefreshToken(sign_in().json()["refresh"])
    token.payload["exp"] = int(time.time()) - 60

    answer = renew(post, str(token))

    assert answer.json()["code"] == "sign_in_refused"


def test_a_refresh_token_that_was_never_handed_out_is_refused(ada: Membership, post: Post) -> None:
    token = RefreshToken()
    token["sub"], token["tenant_id"] = str(ada.operator_id), str(ada.tenant.uuid)
    token["mark"] = ada.operator.get_session_auth_hash()

    answer = renew(post, str(token))

    assert answer.json()["code"] == "sign_in_refused"


@pytest.mark.django_db(transaction=True)
def test_of_refreshes_at_the_same_time_one_wins(sign_in: Post) -> None:
    refresh = sign_in().json()["refresh"]
    together, outcomes = threading.Barrier(4), []

    def race() -> None:
        together.wait()
        answer = Client().post(
            "/v1/auth/token/refresh", {"refresh": refresh}, content_type="application/json"
        )
        outcomes.append(answer.status_code)
        connection.close()

    racers = [threading.Thread(target=race) for _ in range(4)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()

    assert sorted(outcomes) == [200, 401, 401, 401]


def test_a_new_password_ends_the_tokens_of_the_old(
    sign_in: Post, post: Post, whoami: Ask, ada: Membership
) -> None:
    pair = sign_in().json()
    ada.operator.set_password("another-moth-8-orbit")
    ada.operator.save()

    answers = [whoami(pair["access"]), renew(post, pair["refresh"]), sign_in()]

    assert [answer.status_code for answer in answers] == [401, 401, 401]


def test_a_removed_membership_ends_the_tokens(
    sign_in: Post, post: Post, whoami: Ask, ada: Membership
) -> None:
    pair = sign_in().json()
    MembershipFactory(operator=ada.operator)
    ada.delete()

    answers = [whoami(pair["access"]), renew(post, pair["refresh"]), sign_in()]

    assert [answer.status_code for answer in answers] == [401, 401, 401]


def test_a_changed_role_holds_from_the_next_call(
    sign_in: Post, whoami: Ask, ada: Membership
) -> None:
    access = sign_in().json()["access"]
    Membership.objects.filter(pk=ada.pk).update(role="tenant_viewer")

    assert whoami(access).json()["role"] == "read"


def test_a_suspended_tenant_is_told_to_its_operators(
    sign_in: Post, whoami: Ask, ada: Membership
) -> None:
    access = sign_in().json()["access"]
    tenants.suspend_tenant(tenant=ada.tenant, actor=ACTOR, reason="unpaid")

    answer = whoami(access)

    assert (answer.status_code, answer.json()["code"]) == (403, "tenant_suspended")


def test_a_token_names_one_tenant_of_several(sign_in: Post, whoami: Ask, ada: Membership) -> None:
    other = MembershipFactory(operator=ada.operator, role="tenant_viewer")

    answer = whoami(sign_in(tenant=other.tenant.slug).json()["access"]).json()

    assert (answer["tenant_id"], answer["role"]) == (str(other.tenant.uuid), "read")


def test_who_is_enrolled_needs_a_code(sign_in: Post, ada: Membership) -> None:
    secret = enrol(ada)

    without, wrong, right = sign_in(), sign_in(otp="000000"), sign_in(otp=code_now(secret))

    assert told(without) == told(wrong)
    assert [answer.status_code for answer in (without, wrong, right)] == [401, 401, 200]


def test_a_code_is_good_once(sign_in: Post, ada: Membership) -> None:
    secret = enrol(ada)
    code = code_now(secret)

    first, again = sign_in(otp=code), sign_in(otp=code)

    assert (first.status_code, again.status_code) == (200, 401)


def test_an_earlier_code_is_not_good_after_a_later_one(sign_in: Post, ada: Membership) -> None:
    secret = enrol(ada)
    step = int(time.time()) // totp.STEP_S
    later = sign_in(otp=totp.code_at(secret, step + 1))

    earlier = sign_in(otp=totp.code_at(secret, step))

    assert (later.status_code, earlier.status_code) == (200, 401)


def test_a_wrong_password_does_not_use_up_a_code(sign_in: Post, ada: Membership) -> None:
    code = code_now(enrol(ada))
    sign_in(otp=code, password="wrong")

    assert sign_in(otp=code).status_code == 200


@pytest.mark.parametrize(
    "otp",
    ["\uff11\uff12\uff13\uff14\uff15\uff16", "12345", "1234567", "abcdef", "12 345", "-00001"],
)
def test_an_odd_code_is_refused_like_a_wrong_one(otp: str, sign_in: Post, ada: Membership) -> None:
    enrol(ada)

    assert told(sign_in(otp=otp)) == told(sign_in(otp="000000"))


def test_where_a_second_factor_is_required_nobody_comes_in_without(
    sign_in: Post, settings: object
) -> None:
    settings.SECOND_FACTOR_REQUIRED = True

    answers = [sign_in(), sign_in(otp="000000")]

    assert [answer.json()["code"] for answer in answers] == ["sign_in_refused"] * 2


def test_guessing_is_limited_whatever_address_is_claimed(
    sign_in: Post, post: Post, attempts: int
) -> None:
    answers = [
        post(
            "/v1/auth/token",
            username="ada",
            password="guess",
            tenant="x",
            headers={"X-Forwarded-For": f"203.0.113.{guess}"},
        )
        for guess in range(attempts + 1)
    ]

    assert [answer.status_code for answer in answers] == [401] * attempts + [429]
    assert answers[-1]["Retry-After"]


def test_many_addresses_that_guess_one_name_are_stopped(ada: Membership, attempts: int) -> None:
    right = {"username": "ada", "password": PASSWORD, "tenant": ada.tenant.slug}
    guesses = [right | {"username": "Ada", "password": "guess"}] * attempts

    answers = [
        Client(REMOTE_ADDR=f"192.0.2.{host}").post(
            "/v1/auth/token", body, content_type="application/json"
        )
        for host, body in enumerate([*guesses, right])
    ]

    assert [answer.status_code for answer in answers] == [401] * attempts + [429]
    assert int(answers[-1]["Retry-After"]) >= 1


def test_another_method_at_sign_in_is_not_allowed(client: Client) -> None:
    answers = [client.generic(method, "/v1/auth/token") for method in ("GET", "PUT", "OPTIONS")]

    assert [answer.status_code for answer in answers] == [405, 405, 405]
    assert {answer["Allow"] for answer in answers} == {"POST"}
