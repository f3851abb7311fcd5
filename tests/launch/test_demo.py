"""The demo: its content is made once, whatever cut a start short, and what it prints works."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings

from noctis.embedded import EmbeddedError, Home, Instance
from noctis.embedded.temporary import temporary_home
from noctis.launch import demo, demo_nights, smoke
from noctis.launch.programs import REPOSITORY
from noctis.launch.stranger import SmokeFailed, Stranger, pasted
from operations.policies import EPOCHS
from operations.services import policies, retention
from tenants.models import AuditEntry, Operator, ServiceClient, Tenant
from tests.factories import DeviceFactory
from tests.recordings.full_nights import full_night


def manage(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: text for name, text in os.environ.items() if not name.endswith("_URL")}
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=REPOSITORY,
        env=inherited | environ,
        capture_output=True,
        text=True,
        timeout=60,
    )


def content() -> dict[str, list[object]]:
    models = (Tenant, ServiceClient, Operator, AuditEntry)
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in models}


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    return tmp_path / "operator.json"


@pytest.fixture
def no_nights(monkeypatch: pytest.MonkeyPatch) -> None:
    """They have tests of their own, and take five seconds."""
    monkeypatch.setattr(demo_nights, "BEDS", ())


# Seeded.


@pytest.mark.django_db
@pytest.mark.usefixtures("no_nights")
def test_seeding_makes_two_tenants_their_clients_and_an_operator(credentials: Path) -> None:
    demo.seed(credentials)

    kinds = dict(Tenant.objects.values_list("slug", "kind"))
    known = json.loads(credentials.read_text())
    assert kinds == {"noctis": "platform", "harbour": "customer"}
    assert ServiceClient.objects.count() == 4
    assert Operator.objects.get(username=known["username"]).check_password(known["password"])
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600
    assert list(credentials.parent.iterdir()) == [credentials]


@pytest.mark.django_db
@pytest.mark.usefixtures("no_nights")
def test_seeding_again_changes_nothing(credentials: Path) -> None:
    demo.seed(credentials)
    before = content(), credentials.read_bytes()

    demo.seed(credentials)

    assert (content(), credentials.read_bytes()) == before


@pytest.mark.django_db
def test_a_new_platform_lets_go_of_what_is_past_its_retention(credentials: Path) -> None:
    demo.seed(credentials)

    assert policies.plan().changes == ()


@pytest.mark.django_db
def test_what_a_platform_with_nights_lets_go_is_left_to_somebody(credentials: Path) -> None:
    full_night(DeviceFactory(), count=20)

    demo.seed(credentials)

    assert policies.plan().changes
    assert retention.days_kept(series=EPOCHS) is None


@pytest.mark.django_db
def test_a_policy_that_was_changed_since_stays(credentials: Path, settings: LazySettings) -> None:
    demo.seed(credentials)
    settings.EPOCHS_RETENTION_DAYS = 30

    demo.seed(credentials)

    assert retention.days_kept(series=EPOCHS) == 90


@pytest.mark.django_db
@pytest.mark.usefixtures("no_nights")
def test_a_seeding_that_was_cut_short_is_finished(
    credentials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cut(BaseException):
        """As a kill would, at any place."""

    def cut(**_: object) -> None:
        raise Cut

    with monkeypatch.context() as patched:
        patched.setattr(demo.operators, "create_operator", cut)
        with pytest.raises(Cut):
            demo.seed(credentials)
    told = json.loads(credentials.read_text())
    ServiceClient.objects.filter(name="research").update(name="other")

    demo.seed(credentials)

    assert Operator.objects.get(username="admin").check_password(told["password"])
    assert ServiceClient.objects.filter(name="research").count() == 1


@pytest.mark.django_db
@pytest.mark.usefixtures("no_nights")
@pytest.mark.parametrize("content", [None, b"", b"{"])
def test_lost_credentials_are_named_with_the_fix(credentials: Path, content: bytes | None) -> None:
    demo.seed(credentials)
    credentials.unlink()
    if content is not None:
        credentials.write_bytes(content)

    demo.seed(credentials)

    with pytest.raises(EmbeddedError, match="cannot be read: make reset"):
        demo.block("http://127.0.0.1:8000", credentials)


@pytest.mark.django_db
@pytest.mark.usefixtures("no_nights")
def test_the_block_is_aligned_and_its_token_is_fresh(credentials: Path) -> None:
    demo.seed(credentials)

    told = demo.block("http://127.0.0.1:8000", credentials)

    rows = [line for line in told.splitlines() if line.startswith("  ")]
    labels = [line[:12].strip() for line in rows]
    assert labels == ["Console", "", "API docs", "Try", "Tokens", "Again", "Stop", "Reset"]
    assert all(line[11] == " " and line[12] != " " for line in rows)
    path, token = pasted(rows[3][12:])
    assert path == "/v1/whoami"
    assert token.count(".") == 2


# Refused.


def test_production_is_refused_in_one_line(tmp_path: Path) -> None:
    ended = manage("demo", NOCTIS_ENV="production", NOCTIS_VAR_DIR=str(tmp_path / "var"))

    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].endswith("unset NOCTIS_ENV=production")
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "var" / "postgres").exists()


def test_the_status_of_a_demo_that_does_not_run_is_one_line(tmp_path: Path) -> None:
    ended = manage("demo", "--status", NOCTIS_VAR_DIR=str(tmp_path / "var"))

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "CommandError: not running: make demo\n"


# The whole stack.


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with temporary_home() as found:
        yield found


def whoami(address: str, curl: str) -> str:
    stranger = Stranger(address, tell=lambda _: None)
    path, stranger.token = pasted(curl)
    return stranger.expect(200, "GET", path).body["name"]


def stop(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGINT)
    return process.wait(smoke.STOPS_WITHIN_S)


@pytest.mark.stack
def test_the_demo_starts_twice_tells_the_same_and_what_it_tells_works(home: Home) -> None:
    began = time.monotonic()
    with smoke.demo(str(home.root)) as (process, first):
        took = [time.monotonic() - began]
        address = first["Console"].removesuffix("/console/")
        again = manage("demo", "--status", NOCTIS_VAR_DIR=str(home.root))
        names = [whoami(address, curl) for curl in (first["Try"], printed(again.stdout)["Try"])]
        stopped = [stop(process)]

    began = time.monotonic()
    with smoke.demo(str(home.root)) as (process, second):
        took.append(time.monotonic() - began)
        address = second["Console"].removesuffix("/console/")
        names.append(whoami(address, second["Try"]))
        stopped.append(stop(process))

    assert names == ["lab-admin"] * 3
    assert stopped == [0, 0]
    assert second[""] == first[""] == printed(again.stdout)[""]
    assert second["Try"] != first["Try"]
    # The first makes servers, tables and nights. How busy the cores are, both starts bear alike.
    assert took[1] < took[0]


@pytest.mark.stack
def test_a_walk_over_a_demo_that_hangs_at_its_start_fails(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smoke, "STARTS_WITHIN_S", 0.5)

    with pytest.raises(SmokeFailed, match="make demo ended"), smoke.demo(str(home.root)):
        pass

    assert not Instance(home).is_running()


def printed(block: str) -> dict[str, str]:
    return {line[2:12].strip(): line[12:] for line in block.splitlines() if line[:2] == "  "}
