"""A load test sends what it planned when it planned it, and finds every server that is bad."""

import io
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from operations import wire
from operations.load import Plan, Unbounded
from operations.services import synthetic
from operations.services.load.run import Target, run_load
from tests.operations.liar import lying

RATES = {"ingest": 40.0, "predict": 20.0, "reload": 5.0}
SMALL = Plan(seconds=1.0, rates=RATES, batch_size=10, seed=3)


def failures(badness: str) -> list[str]:
    with lying(badness) as address:
        target = Target(wire.address_of(address), "t", "t")
        return run_load(plan=SMALL, target=target).failures


def test_the_seed_fixes_moments_values_and_order() -> None:
    again, other = Plan(1.0, RATES, 10, 3), Plan(1.0, RATES, 10, 4)

    assert SMALL.calls() == again.calls() != other.calls()
    assert Counter(call.kind for call in SMALL.calls()) == RATES


def test_calls_are_due_in_time_and_some_batches_come_twice() -> None:
    plan = Plan(60.0, RATES, 10, 1)
    calls = plan.calls()
    batches = [call.batch for call in calls if call.batch]
    fresh = set(batches) | {plan.batch(number) for number in range(plan.nights)}

    assert all(0 <= call.due_s < 60 for call in calls)
    assert [call.due_s for call in calls] == sorted(call.due_s for call in calls)
    assert 50 < len(batches) + plan.nights - len(fresh) < 250
    assert all(batch.first + batch.count <= 2880 for batch in batches)
    epochs = [(batch.night, batch.first + n) for batch in fresh for n in range(batch.count)]
    assert len(epochs) == len(set(epochs))


@pytest.mark.parametrize(
    "change",
    [
        {"seconds": 601.0},
        {"seconds": 0.0},
        {"seconds": float("nan")},
        {"batch_size": 1441},
        {"batch_size": 0},
        {"rates": RATES | {"predict": -1.0}},
        {"rates": RATES | {"predict": 100_000.0}},
        {"rates": RATES | {"ingest": 50_000.0}},
    ],
)
def test_a_plan_without_bounds_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(Unbounded):
        Plan(**(vars(SMALL) | change)).check()  # type: ignore[arg-type]  # wrong on purpose


def test_an_honest_server_passes() -> None:
    with lying() as address:
        outcome = run_load(plan=SMALL, target=Target(wire.address_of(address), "t", "t"))

    told = outcome.told()
    assert told["failures"] == []
    assert {kind: row["sent"] for kind, row in told["kinds"].items()} == RATES
    assert told["acknowledged"] == told["stored"] > 400
    assert told["versions"]["models"] == ["m"]
    assert told["kinds"]["ingest"]["p50_ms"] <= told["kinds"]["ingest"]["p99_ms"]


@pytest.mark.parametrize("badness", ["loses", "doubles", "miscounts"])
def test_a_server_whose_rows_are_not_those_it_acknowledged_is_found(badness: str) -> None:
    found = failures(badness)

    assert found
    assert all("acknowledged" in line for line in found)


def test_a_refusal_and_a_lost_answer_are_failures() -> None:
    assert "predict: 6 answered 503" in failures("refuses")
    assert "predict: 1 answered connection" in failures("hangs up")


def test_latency_counts_from_when_a_call_was_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are due within 0.1 s, and making the first keeps the second from being sent."""
    make = synthetic.packed_epochs
    plan = Plan(0.1, {"ingest": 20.0, "predict": 0.0, "reload": 0.0}, 10, 1)
    pauses = iter([*[0.0] * plan.nights, 0.6, 0.0])

    def slowly(**words: Any) -> str:
        time.sleep(next(pauses))
        return make(**words)

    monkeypatch.setattr(synthetic, "packed_epochs", slowly)
    with lying() as address:
        outcome = run_load(plan=plan, target=Target(wire.address_of(address), "t", "t"))

    assert outcome.failures == []
    assert min(outcome.tallies["ingest"].seconds) > 0.45


def test_waiting_for_a_connection_counts_as_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """One connection, held for 1.5 s by the first question: those behind it waited as long."""
    monkeypatch.setattr(wire, "MOST_CONNECTIONS", 1)
    plan = Plan(1.0, {"ingest": 0.0, "predict": 10.0, "reload": 0.0}, 10, 1)
    with lying("slow") as address:
        outcome = run_load(plan=plan, target=Target(wire.address_of(address), "t", "t"))

    assert outcome.failures == []
    assert min(outcome.tallies["predict"].seconds) > 0.4


@pytest.mark.parametrize("host", ["example.org", "10.0.0.7", "127.0.0.1.example.org", "[::2]"])
def test_another_host_has_to_be_named(host: str) -> None:
    with pytest.raises(wire.NoAddress, match="--allow-host"):
        wire.address_of(f"http://{host}:8000")

    assert wire.address_of(f"http://{host}:8000", allowed=host.strip("[]")).hostname
    assert wire.is_loopback("127.0.0.9")
    assert wire.address_of("https://[::1]:1").port == 1


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8000", "ftp://127.0.0.1", "http://", "http://[", "x"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(wire.NoAddress):
        wire.address_of(address)


def test_the_command_tells_and_ends_with_1_where_anything_failed(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t\n")
    words = ["--seconds", "1", "--batch", "10", "--token-file", str(token)]
    with lying("miscounts") as address:
        told, out = io.StringIO(), io.StringIO()
        with pytest.raises(SystemExit) as ended:
            call_command("loadtest", *words, "--address", address, "--json", stdout=told)
        with pytest.raises(SystemExit):
            call_command("loadtest", *words, "--address", address, stdout=out)

    assert ended.value.code == 1
    assert len(json.loads(told.getvalue())["failures"]) == 4
    assert "reached_per_s" in out.getvalue()
    assert "30 acknowledged, 31 counted, 30 stored" in out.getvalue()


def test_what_cannot_begin_says_so_in_a_line(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t")
    with pytest.raises(CommandError, match="connection"):
        call_command("loadtest", "--token-file", str(token), "--address", "http://127.0.0.1:9")
    with pytest.raises(CommandError, match="cannot read"):
        call_command("loadtest", "--token-file", str(tmp_path / "none"))
