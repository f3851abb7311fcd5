"""Allowances: the arithmetic, one bucket for all processes, and what happens without Valkey."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from redis import Redis

from noctis import limits, rates
from noctis.limits import LocalBuckets, Verdict
from noctis.rates import Limit
from tests.factories import signatory

TEN = Limit(10, 60)


@pytest.fixture
def who() -> str:
    return uuid4().hex


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three calls a minute for reading and signing in; writing is unlimited."""
    three = Limit(3, 60)
    monkeypatch.setattr(limits, "LIMITS", {"read": three, "sign_in": three})


@pytest.fixture
def without_valkey(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An address at which nothing listens."""
    limits._script.cache_clear()
    monkeypatch.setattr(settings, "REDIS_URL", "redis://127.0.0.1:1/0")
    yield
    limits._script.cache_clear()


class SlowBucket:
    """The obvious version: tokens drip in one after the other, none beyond the brim."""

    def __init__(self, limit: Limit) -> None:
        self.limit, self.tokens, self.at = limit, float(limit.calls), 0.0

    def take(self, at: float) -> bool:
        gained = (at - self.at) * self.limit.calls / self.limit.period_s
        self.tokens, self.at = min(self.limit.calls, self.tokens + gained), at
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@given(
    calls=st.integers(1, 20),
    period=st.sampled_from([1, 60, 3600]),
    # In quarters of a drip, so that the sums are exact in binary and both versions must agree.
    pauses=st.lists(st.integers(0, 12), max_size=60),
)
def test_a_local_bucket_agrees_with_the_obvious_one(
    calls: int, period: int, pauses: list[int]
) -> None:
    limit, now = Limit(calls, period), 0.0
    fast, slow = LocalBuckets(), SlowBucket(limit)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits.time, "monotonic", lambda: now)
        for pause in pauses:
            now += pause / 4 * period / calls
            left, expected = fast.take("who", limit), slow.take(now)

            # A rounding error may decide only where the bucket is within a hair of one token.
            assert (left >= 0) == expected or abs(left) < 1e-9 or abs(slow.tokens - 1) < 1e-9


def test_the_whole_allowance_may_be_used_at_once_and_not_more(who: str) -> None:
    buckets = LocalBuckets()

    taken = [buckets.take(who, TEN) >= 0 for _ in range(12)]

    assert taken == [True] * 10 + [False] * 2


def test_local_buckets_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_LOCAL_BUCKETS", 3)
    buckets = LocalBuckets()

    for name in "abcd":
        buckets.take(name, TEN)

    assert len(buckets._buckets) == 3


def test_the_shared_bucket_counts_down_and_refuses(who: str, small: None) -> None:
    verdicts = [limits.take("read", who) for _ in range(4)]

    assert [verdict.is_allowed for verdict in verdicts] == [True, True, True, False]
    assert [int(verdict.left) for verdict in verdicts[:3]] == [2, 1, 0]


def test_every_caller_and_class_has_a_bucket_of_its_own(who: str, small: None) -> None:
    for _ in range(4):
        limits.take("read", who)

    assert limits.take("read", who + "'s neighbour").is_allowed
    assert limits.take("sign_in", who).is_allowed


def test_a_class_without_a_limit_is_unlimited(who: str, small: None) -> None:
    assert limits.take("write", who) is None


def test_a_shared_bucket_refills_with_time(who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LIMITS", {"read": Limit(3, 60)})
    taken = [limits.take("read", who).is_allowed for _ in range(4)]

    with Redis.from_url(settings.REDIS_URL) as store:
        store.hincrbyfloat(f"limit:read:{who}", "at", -20.5)  # as if it were so much later

    assert taken == [True, True, True, False]
    assert limits.take("read", who).is_allowed
    assert not limits.take("read", who).is_allowed


def test_a_shared_bucket_is_forgotten_when_it_is_full_again(who: str, small: None) -> None:
    limits.take("read", who)

    with Redis.from_url(settings.REDIS_URL) as store:
        remaining_ms = store.pttl(f"limit:read:{who}")

    assert 60_000 < remaining_ms <= 61_000


TAKE = """
import django; django.setup()
from noctis import limits
limits.LIMITS = {"read": limits.Limit(3, 60)}
print([limits.take("read", "%s").is_allowed for _ in range(2)])
"""


def test_two_processes_draw_on_one_bucket(who: str) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", TAKE % who], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    answers = "".join(process.communicate(timeout=30)[0] for process in processes)

    assert (answers.count("True"), answers.count("False")) == (3, 1)


def test_without_valkey_each_process_limits_for_itself(
    who: str, small: None, without_valkey: None
) -> None:
    verdicts = [limits.take("read", who) for _ in range(4)]

    assert [verdict.is_allowed for verdict in verdicts] == [True, True, True, False]
    found_away_at = REGISTRY.get_sample_value("rate_limit_last_fallback_timestamp_seconds")
    assert 0 <= time.time() - (found_away_at or 0) < 10


def test_a_store_that_says_nothing_costs_one_caller_a_pause_the_time(
    who: str, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes connections and never answers, as behind a network that swallows packets."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        limits._script.cache_clear()
        port = silent.getsockname()[1]
        monkeypatch.setattr(settings, "REDIS_URL", f"redis://127.0.0.1:{port}/0")
        limits.take("read", who)
        started = time.perf_counter()

        for _ in range(100):
            limits.take("read", who)

        # Asked each time, a hundred would wait 20 s.
        assert time.perf_counter() - started < 5
        assert 1 <= (REGISTRY.get_sample_value("redis_circuit_failures") or 0) <= 3
    limits._script.cache_clear()
    limits.STORE.reset()


def test_without_valkey_a_limit_costs_no_time(who: str, small: None, without_valkey: None) -> None:
    limits.take("read", who)

    took_s = [seconds_to_take(who) for _ in range(5)]

    # The quickest of them: a busy machine may set any one aside.
    assert min(took_s) < 0.01


def seconds_to_take(who: str) -> float:
    started = time.perf_counter()
    limits.take("read", who)
    return time.perf_counter() - started


def test_after_a_second_one_caller_asks_valkey_and_then_all_do(who: str, small: None) -> None:
    limits.STORE.note_failure("ConnectionError")
    limits.take("read", who)
    state = REGISTRY.get_sample_value("redis_circuit_state")
    time.sleep(1.0)

    limits.take("read", who)

    assert (state, REGISTRY.get_sample_value("redis_circuit_state")) == (2, 0)
    with Redis.from_url(settings.REDIS_URL) as store:
        assert store.exists(f"limit:read:{who}")


def test_without_valkey_nobody_signs_in(small: None, without_valkey: None, client: Client) -> None:
    body = {"username": "ada", "password": "x", "tenant": "x"}

    answer = client.post("/v1/auth/token", body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (503, "limits_unavailable")
    assert answer["Retry-After"] == "1"


def test_without_valkey_a_person_is_told_so_on_a_page(
    small: None, without_valkey: None, client: Client
) -> None:
    answer = client.post("/console/login/", {"username": "ada", "password": "x", "otp": ""})

    assert (answer.status_code, answer["Content-Type"][:9]) == (503, "text/html")


@pytest.mark.django_db
def test_without_valkey_a_service_goes_on(
    small: None, without_valkey: None, client: Client
) -> None:
    headers = {"Authorization": f"Bearer {signatory().token()}"}

    answers = [client.get("/v1/whoami", headers=headers) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


@pytest.mark.django_db
def test_every_answer_tells_the_allowance(small: None, client: Client) -> None:
    headers = {"Authorization": f"Bearer {signatory().token()}"}

    answers = [client.get("/v1/whoami", headers=headers) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer["RateLimit-Limit"] for answer in answers} == {"3"}
    assert [answer["RateLimit-Reset"] for answer in answers] == ["20", "40", "60", "60"]


@pytest.mark.django_db
def test_a_refusal_says_when_to_return(small: None, client: Client) -> None:
    headers = {"Authorization": f"Bearer {signatory().token()}"}
    for _ in range(3):
        client.get("/v1/whoami", headers=headers)

    refused = client.get("/v1/whoami", headers=headers)

    assert refused.json()["code"] == "rate_limited"
    assert refused.json()["retryable"] is True
    assert refused["Retry-After"] == "20"


@pytest.mark.django_db
def test_two_tokens_of_a_client_share_its_allowance(small: None, client: Client) -> None:
    one = signatory()
    tokens = [one.token(), one.token(jti="2")]

    answers = [
        client.get("/v1/whoami", headers={"Authorization": f"Bearer {tokens[n % 2]}"})
        for n in range(4)
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


@given(calls=st.integers(1, 10_000), period=st.sampled_from([1, 60, 3600]), left=st.floats(-1, 0))
def test_whoever_waits_as_long_as_told_is_let_in(calls: int, period: int, left: float) -> None:
    limit = Limit(calls, period)

    verdict = Verdict(limit, left)

    assert left + verdict.retry_after_s * limit.rate >= -1e-9
    assert verdict.retry_after_s >= 1


def test_limits_are_read_from_their_setting() -> None:
    read = rates.parse(("read=600/minute", "write=5/second", "sign_in=off"))

    assert read == {"read": Limit(600, 60), "write": Limit(5, 1)}


@pytest.mark.parametrize(
    "row",
    ["read", "read=", "read=0/minute", "read=-1/minute", "read=5", "read=5/day", "read=²/hour"],
)
def test_an_unreadable_limit_is_named(row: str) -> None:
    with pytest.raises(ValueError, match="cannot read"):
        rates.parse((row,))


def test_a_class_that_the_setting_does_not_name_keeps_its_default() -> None:
    usual = rates.in_force(())

    assert rates.in_force(("read=5/second",)) == usual | {"read": Limit(5, 1)}
    assert usual.keys() - rates.in_force(("read=off",)).keys() == {"read"}
    with pytest.raises(ValueError, match="there is no class raed"):
        rates.in_force(("raed=5/second",))


def test_a_large_allowance_is_drawn_in_leases_and_never_overdrawn(
    who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes' worth of leases: together they get the allowance, exactly."""
    monkeypatch.setattr(limits, "LIMITS", {"ingest": Limit(500, 3600)})
    asked = []
    script = limits._script()
    monkeypatch.setattr(
        limits, "_script", lambda: lambda **call: asked.append(call) or script(**call)
    )

    allowed = 0
    for process in (limits.Leases(), limits.Leases()):
        monkeypatch.setattr(limits, "_leases", process)
        allowed += sum(limits.take("ingest", who).is_allowed for _ in range(250))
    last = limits.take("ingest", who)

    assert allowed == 500
    assert not last.is_allowed
    assert len(asked) == 500 // 5 + 1


def test_an_unused_lease_ends(who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    leases, now = limits.Leases(), 0.0
    monkeypatch.setattr(limits.time, "monotonic", lambda: now)
    leases.keep(who, 4, 90.0)

    first = leases.take(who)
    now = limits.LEASE_S
    late = leases.take(who)

    assert (first, late) == (93.0, None)
