"""Both servers for real: made, killed, adopted, moved, and two pairs of them at once."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import redis

from noctis.embedded import AlreadyRunning, EmbeddedError, Home, Instance
from noctis.embedded.postgres import Postgres, reason
from noctis.embedded.processes import Identity, identity_of, run_as, wait_until_gone
from noctis.embedded.temporary import PREFIX, YOUNG_S, discard_abandoned, temporary_home

REPOSITORY = Path(__file__).resolve().parents[2]
HOLD_AND_WAIT = """
from noctis.embedded import Instance
from noctis.embedded.temporary import temporary_home
with temporary_home() as home, Instance(home) as instance:
    print(home.root, instance.postgres.process().pid, instance.valkey.process().pid, flush=True)
    input()
"""


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with temporary_home() as home, Instance(home) as running:
        yield running


def ask(instance: Instance, query: str) -> str:
    with psycopg.connect(instance.postgres.url(), autocommit=True) as connection:
        row = connection.execute(query).fetchone()  # type: ignore[arg-type]  # ours, no user's
    assert row
    return str(row[0])


def valkey(instance: Instance) -> redis.Redis:
    return redis.Redis.from_url(instance.valkey.url())


def process_of(server: object) -> Identity:
    process = server.process()  # type: ignore[attr-defined]  # either server
    assert process
    return process


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("password_encryption", "scram-sha-256"),
        ("TimeZone", "UTC"),
    ],
)
def test_postgres_is_as_careful_as_in_production(
    instance: Instance, setting: str, expected: str
) -> None:
    assert ask(instance, f"SHOW {setting}") == expected


def test_text_sorts_by_code_point_and_knows_letters_of_all_languages(instance: Instance) -> None:
    assert ask(instance, "SELECT upper('é') || ('Z' < 'a')::text") == "Étrue"


def test_postgres_lets_nobody_in_without_the_password(instance: Instance) -> None:
    address = {"host": str(instance.home.sockets), "user": "noctis", "dbname": "noctis"}

    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(**address, password="wrong").close()


def test_valkey_keeps_what_it_is_told_and_listens_on_no_port(instance: Instance) -> None:
    client = valkey(instance)

    assert client.config_get("appendonly", "port", "maxmemory-policy") == {
        "appendonly": "yes",
        "port": "0",
        "maxmemory-policy": "noeviction",
    }
    client.close()


def test_data_and_sockets_are_private_to_the_servers_user(instance: Instance) -> None:
    home = instance.home
    folders = [home.state / "postgres", home.state / "valkey", home.sockets]
    uid = home.owner.uid if home.owner else os.geteuid()

    found = [(path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) for path in folders]
    sockets = [stat.S_IMODE(path.stat().st_mode) for path in home.sockets.iterdir()]

    assert found == [(uid, 0o700)] * 3
    assert all(mode & 0o077 == 0 for mode in sockets)


def test_starting_again_adopts_what_runs(instance: Instance) -> None:
    before = instance.postgres.process(), instance.valkey.process()

    instance.start()

    assert (instance.postgres.process(), instance.valkey.process()) == before


def test_killed_servers_start_again_with_their_data(instance: Instance) -> None:
    client = valkey(instance)
    with psycopg.connect(instance.postgres.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS x")
    client.set("kept", "7")
    client.close()
    for process in (process_of(instance.postgres), process_of(instance.valkey)):
        os.kill(process.pid, signal.SIGKILL)
        assert wait_until_gone(process, 5.0)

    instance.start()

    assert ask(instance, "SELECT x FROM kept") == "7"
    client = valkey(instance)
    assert client.get("kept") == b"7"
    client.close()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="orphans are found by /proc")
def test_a_child_that_outlives_its_killed_server_does_not_keep_it_from_starting(
    instance: Instance,
) -> None:
    with psycopg.connect(instance.postgres.url()) as connection:
        child = connection.info.backend_pid
        server = process_of(instance.postgres)
        os.kill(child, signal.SIGSTOP)
        os.kill(server.pid, signal.SIGKILL)
        assert wait_until_gone(server, 5.0)

        instance.start()

    assert identity_of(child) is None
    assert ask(instance, "SELECT 1") == "1"


def test_a_busy_server_is_neither_dead_nor_started_again(instance: Instance) -> None:
    """Stopped for longer than a reply is waited for, as by a long script or a slow disk."""
    before = process_of(instance.valkey)
    os.kill(before.pid, signal.SIGSTOP)

    try:
        was_running = instance.is_running()
    finally:
        os.kill(before.pid, signal.SIGCONT)
    instance.start()

    assert was_running
    assert process_of(instance.valkey) == before


def test_a_server_that_never_answers_is_replaced(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("noctis.embedded.valkey.READY_WITHIN_S", 0.5)
    before = process_of(instance.valkey)
    os.kill(before.pid, signal.SIGSTOP)

    instance.start()

    assert not before.is_alive()
    assert process_of(instance.valkey) != before


def test_two_instances_run_at_once_and_know_only_their_own(instance: Instance) -> None:
    with temporary_home() as home, Instance(home) as other:
        assert other.is_running()
        assert other.addresses() != instance.addresses()
        assert ask(other, "SHOW data_directory") != ask(instance, "SHOW data_directory")
        stopped = process_of(other.postgres)

    assert not stopped.is_alive()
    assert not home.root.exists()
    assert not home.state.exists()
    assert instance.is_running()


def test_a_copied_pid_file_does_not_pass_for_a_running_server(
    instance: Instance, tmp_path: Path
) -> None:
    copy = Postgres(replace(instance.home, state=tmp_path))
    copy.data.mkdir(parents=True)
    note = (instance.postgres.data / "postmaster.pid").read_text()

    (copy.data / "postmaster.pid").write_text(note)

    assert copy.process() is None
    assert instance.postgres.process()


def test_only_one_may_hold_a_home(instance: Instance) -> None:
    with pytest.raises(AlreadyRunning, match=rf"already running \(pid {os.getpid()}\)"):
        Instance(instance.home).reset()

    assert instance.is_running()


def test_data_of_a_deleted_folder_is_named_with_the_way_out(instance: Instance) -> None:
    secret = instance.home.root / "secrets" / "postgres"
    kept = secret.read_text()
    secret.write_text("another")

    with pytest.raises(EmbeddedError, match="make reset"):
        instance.start()

    secret.write_text(kept)


def test_what_a_killed_run_left_is_stopped_and_removed() -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", HOLD_AND_WAIT],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout
    root, *pids = run.stdout.readline().split()
    servers = [int(pid) for pid in pids]
    run.kill()
    run.communicate()
    assert Path(root).name.startswith(PREFIX)
    long_ago = time.time() - 2 * YOUNG_S
    os.utime(root, (long_ago, long_ago))

    discard_abandoned()

    assert not Path(root).exists()
    assert not any(identity_of(pid) for pid in servers)


def test_a_home_whose_servers_are_stopped_for_a_while_is_not_abandoned() -> None:
    with temporary_home() as home:
        with Instance(home):
            pass
        os.utime(home.root, (0, 0))

        discard_abandoned()

        assert (home.state / "postgres" / "data").is_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="not root: every other test is this one")
def test_the_password_of_a_start_that_was_killed_goes_too() -> None:
    with temporary_home() as home:
        home.state.mkdir(parents=True, exist_ok=True)
        (home.state / ".pw-abcd1234").write_text("a password")

        Instance(home).reset()

        assert not (home.state / ".pw-abcd1234").exists()


def test_a_normal_user_needs_nothing_of_the_system(tmp_path: Path) -> None:
    owner = Home.at(tmp_path).owner
    # The environment's own Python may lie in root's private home.
    python = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")
    libraries = Path(psycopg.__file__).parents[1]
    path = {"PYTHONPATH": f"{REPOSITORY}:{libraries}", "PYTHONDONTWRITEBYTECODE": "1"}
    readable = [
        python or "",
        "-c",
        "import sys, noctis, psycopg; assert sys.version_info >= (3, 11)",
    ]
    if not python or run_as(owner, readable, folder=Path("/"), extra=path).returncode:
        pytest.skip("a normal user of this machine can read neither checkout nor Python 3.11")
    at_once = HOLD_AND_WAIT.replace("input()", "print(home.state == home.root)")

    done = run_as(owner, [python, "-c", at_once], folder=Path("/"), extra=path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("True\n")
    assert not Path(done.stdout.split()[0]).exists()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("a\nFATAL:  could not write: No space left on device", "the disk is full"),
        ("LOG: x\nFATAL:  incompatible\nLOG: shut down", "FATAL:  incompatible"),
        ("", "no reason given"),
    ],
)
def test_of_a_log_only_the_line_that_matters_is_shown(said: str, expected: str) -> None:
    assert reason(said).startswith(expected)
