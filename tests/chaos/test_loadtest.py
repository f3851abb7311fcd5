"""`manage.py loadtest` against a platform of its own: it passes, and a platform that refuses is
found."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.chaos.reloads.run import running_platform
from tests.chaos.stack import REPOSITORY, Stack

SHORT = ("--seconds", "2", "--ingest", "15", "--predict", "8", "--reload", "1", "--batch", "30")


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_platform(guests=0) as platform:
        yield platform.stack


def loadtest(
    stack: Stack, *words: str, token: str | None = None
) -> tuple[int, dict[str, Any], str]:
    """Its exit, what it told, and what it complained of."""
    done = subprocess.run(
        [sys.executable, "manage.py", "loadtest", "--json", *SHORT, *words],
        cwd=REPOSITORY,
        env=stack.environment,
        input=token or "",
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


@pytest.mark.stack
def test_a_platform_stores_what_it_acknowledged_while_its_model_is_reloaded(stack: Stack) -> None:
    status, told, complaint = loadtest(stack, "--token-file", "-", token=stack.token)

    assert (status, told.get("failures")) == (0, []), complaint
    assert {kind: row["answers"] for kind, row in told["kinds"].items()} == {
        "ingest": {"200": 30},
        "predict": {"200": 16},
        "reload": {"200": 2},
    }
    assert told["acknowledged"] == told["stored"] > 900
    assert told["versions"]["models"] == ["home"]


@pytest.mark.stack
def test_here_it_makes_its_own_tenant_and_leaves_nothing_but_a_client_that_is_shut_out(
    stack: Stack,
) -> None:
    counted = (
        "SELECT (SELECT count(*) FROM tenants_tenant), (SELECT count(*) FROM recordings_epoch)"
    )
    before = stack.sql(counted)

    outcomes = [loadtest(stack, "--here") for _ in range(2)]

    assert [(status, told.get("failures")) for status, told, _ in outcomes] == [(0, [])] * 2
    assert stack.sql(counted) == before
    clients = "SELECT is_enabled FROM tenants_serviceclient WHERE name = 'loadtest'"
    assert stack.sql(clients) == [(False,)]


@pytest.mark.stack
def test_reloads_that_are_refused_are_failures(stack: Stack, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("nobody's")
    words = ("--token-file", "-", "--reload-token-file", str(other))

    status, told, complaint = loadtest(stack, *words, token=stack.token)

    assert (status, told.get("failures")) == (1, ["reload: 2 answered 401"]), complaint


@pytest.mark.stack
def test_rows_that_go_behind_its_back_are_found(stack: Stack) -> None:
    """A trigger loses an epoch of each batch, and the platform acknowledges it all the same."""
    stack.sql(
        "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NEW.epoch_index % 30 = 7 THEN RETURN NULL; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER lose BEFORE INSERT ON recordings_epoch "
        "FOR EACH ROW EXECUTE FUNCTION lose()",
    )
    try:
        status, told, complaint = loadtest(stack, "--token-file", "-", token=stack.token)
    finally:
        stack.sql("DROP TRIGGER lose ON recordings_epoch", "DROP FUNCTION lose")

    assert status == 1, complaint
    assert told["stored"] < told["acknowledged"]
    assert sum("acknowledged" in line for line in told["failures"]) == told["nights"]


@pytest.mark.stack
def test_a_suspended_tenant_cannot_be_tested(stack: Stack) -> None:
    become(stack, "suspended")
    try:
        status, told, complaint = loadtest(stack, "--token-file", "-", token=stack.token)
    finally:
        become(stack, "active")

    assert (status, told) == (1, {})
    assert "tenant_suspended" in complaint


def become(stack: Stack, status: str) -> None:
    stack.sql(f"UPDATE tenants_tenant SET status = '{status}'")
    time.sleep(settings.KEY_CACHE_SECONDS)  # written past the application: no worker is told
