"""No forged token is accepted, none breaks the server, and all are refused in the same words."""

import time

import pytest
from django.http import HttpResponse

from tests.factories import signatory
from tests.tenants.conftest import Ask
from tests.tenants.forger import World
from tests.tenants.forgeries import FORGERIES

pytestmark = pytest.mark.django_db

OF_THE_REQUEST = ("request_id", "X-Request-Id", "X-Correlation-Id")


def told(answer: HttpResponse) -> tuple[int, dict[str, object], dict[str, str]]:
    """All that a caller can see of an answer but for the request's own id."""
    body, headers = answer.json(), dict(answer.headers)
    for name in OF_THE_REQUEST:
        body.pop(name, None)
        headers.pop(name, None)
    return answer.status_code, body, headers


@pytest.fixture(scope="module")
def refusal() -> list[object]:
    """The first refusal of this file, which every other must equal."""
    return []


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_token_is_refused_like_any_other(
    forgery: object, whoami: Ask, refusal: list[object]
) -> None:
    token = forgery(World())

    answer = whoami(token)

    refusal.append(told(answer))
    assert answer.status_code == 401
    assert answer.json()["code"] == "invalid_token"
    assert answer["WWW-Authenticate"] == 'Bearer realm="noctis", error="invalid_token"'
    assert refusal[-1] == refusal[0]


def test_there_are_more_than_sixty_forgeries() -> None:
    assert len(FORGERIES) >= 60


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256", "EdDSA"])
def test_what_the_forgeries_start_from_is_accepted(algorithm: str, whoami: Ask) -> None:
    token = signatory(algorithm=algorithm).token(nbf=int(time.time()), iat=int(time.time()))

    answer = whoami(token)

    assert answer.status_code == 200


def test_what_the_operators_forgeries_start_from_is_accepted(whoami: Ask) -> None:
    token = World().pair.access

    answer = whoami(token)

    assert answer.status_code == 200


EXPIRED = {
    "a minute ago": lambda: int(time.time()) - 60,
    "a fraction ago": lambda: time.time() - 60.5,
    "in 1970": lambda: 0,
    "just beyond the leeway": lambda: int(time.time()) - 31,
}


@pytest.mark.parametrize("ended", EXPIRED.values(), ids=EXPIRED)
def test_an_expired_token_is_told_apart_from_a_wrong_one(ended: object, whoami: Ask) -> None:
    token = signatory().token(exp=ended())

    answer = whoami(token)

    assert (answer.status_code, answer.json()["code"]) == (401, "expired_token")
    assert answer["WWW-Authenticate"] == 'Bearer realm="noctis", error="invalid_token"'


def test_an_expired_token_with_a_wrong_signature_is_a_wrong_one(whoami: Ask) -> None:
    token = signatory().token(exp=int(time.time()) - 60)

    answer = whoami(token[:-4] + "AAAA")

    assert answer.json()["code"] == "invalid_token"


def test_a_token_within_the_leeway_is_accepted(whoami: Ask) -> None:
    token = signatory().token(exp=int(time.time()) - 20, nbf=int(time.time()) + 20)

    answer = whoami(token)

    assert answer.status_code == 200


def test_a_token_of_the_longest_life_is_accepted(whoami: Ask) -> None:
    token = signatory().token(exp=int(time.time()) + 86_400)

    answer = whoami(token)

    assert answer.status_code == 200


VALUES = {
    "two values": "Bearer {0}, Bearer {0}",
    "two tokens": "Bearer {0} {0}",
    "scheme Basic": "Basic {0}",
    "scheme Token": "Token {0}",
    "scheme JWT": "JWT {0}",
    "no scheme": "{0}",
    "no token": "Bearer",
    "blank token": "Bearer  ",
    "a colon": "Bearer: {0}",
    "a tab between": "Bearer\t{0}",
    "a parameter": 'Bearer token="{0}"',
    "nothing but a comma": ",",
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_an_authorization_that_is_not_one_bearer_token_is_refused(value: str, whoami: Ask) -> None:
    token = signatory().token()

    answer = whoami(authorization=value.format(token))

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert answer["WWW-Authenticate"].startswith("Bearer ")


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "bEaReR"])
def test_the_scheme_may_be_spelt_in_any_case(scheme: str, whoami: Ask) -> None:
    token = signatory().token()

    answer = whoami(authorization=f"{scheme} {token}")

    assert answer.status_code == 200


ELSEWHERE = {
    "nowhere": {},
    "in the query": {"query_params": {"access_token": "{0}"}},
    "in the query as token": {"query_params": {"token": "{0}"}},
    "in a cookie": {"headers": {"Cookie": "access_token={0}; Authorization=Bearer {0}"}},
    "in X-Authorization": {"headers": {"X-Authorization": "Bearer {0}"}},
    "in Proxy-Authorization": {"headers": {"Proxy-Authorization": "Bearer {0}"}},
    "in X-Forwarded-Authorization": {"headers": {"X-Forwarded-Authorization": "Bearer {0}"}},
}


@pytest.mark.parametrize("place", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_token_elsewhere_than_in_the_authorization_header_is_none(
    place: dict[str, dict[str, str]], client: object
) -> None:
    token = signatory().token()
    sent = {
        part: {name: text.format(token) for name, text in values.items()}
        for part, values in place.items()
    }

    answer = client.get("/v1/whoami", **sent)

    assert (answer.status_code, answer.json()["code"]) == (401, "missing_token")
    assert answer["WWW-Authenticate"] == 'Bearer realm="noctis"'


def test_nothing_of_a_refused_token_is_echoed(whoami: Ask, capfd: object) -> None:
    token = signatory().headed(kid="k_canary_of_a_kid")

    answer = whoami(token)

    assert "canary" not in answer.content.decode() + str(answer.headers)
    assert token not in capfd.readouterr().err
