"""The main job, walked over HTTP on a temporary platform, from nothing but what the demo prints."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from noctis.embedded.temporary import temporary_home
from noctis.launch import ports, smoke_models, smoke_nights, smoke_staging
from noctis.launch.programs import REPOSITORY
from noctis.launch.stranger import SmokeFailed, Stranger, pasted

STARTS_WITHIN_S = 90
STOPS_WITHIN_S = 30


def walk(tell: Callable[[str], None]) -> None:
    """Start a platform as a newcomer does, walk the main job, stop it."""
    started = time.monotonic()
    # A job in the background ignores Ctrl-C and hands that on to the demo, which shall hear it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with temporary_home() as home, demo(str(home.root)) as (process, printed):
        stranger = Stranger(printed["Console"].removesuffix("/console/"), tell)
        stranger.done(f"the platform runs at {stranger.address}")
        health(stranger)
        access(stranger, printed["Try"])
        audit(stranger)
        smoke_staging.show(stranger, smoke_nights.nights(stranger))
        smoke_staging.slept_through(stranger)
        smoke_models.life(stranger, smoke_models.Shell(of_the_platform(str(home.root))))
        sign_in(stranger, printed[""])
        process.send_signal(signal.SIGINT)
        if process.wait(STOPS_WITHIN_S) != 0:
            raise SmokeFailed(f"it did not stop cleanly: exit {process.returncode}")
        stranger.done("Ctrl-C stopped everything")
    tell(f"smoke: {stranger.steps} passed, 0 failed in {time.monotonic() - started:.1f} s")


def of_the_platform(root: str) -> dict[str, str]:
    """What its processes and its commands are told alike; models that it makes stay in it."""
    return {"NOCTIS_VAR_DIR": root, "MODELS_DIR": f"{root}/models", **smoke_models.DAYS}


@contextmanager
def demo(root: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """`make demo` on a free port, and the labelled lines that it printed."""
    environment = os.environ | of_the_platform(root) | {"PORT": str(ports.unasked_port())}
    for inherited in ("DATABASE_URL", "REDIS_URL", "PROMETHEUS_MULTIPROC_DIR"):
        environment.pop(inherited, None)
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo"],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    # Ends what hangs at its start: its output ends, and so does the wait for the block.
    watchdog = threading.Timer(STARTS_WITHIN_S, process.terminate)
    watchdog.start()
    try:
        block = printed_block(process)
        watchdog.cancel()
        yield process, block
    finally:
        watchdog.cancel()
        if process.poll() is None:
            process.terminate()
            process.wait(STOPS_WITHIN_S)
        if process.stdout:
            process.stdout.close()


def printed_block(process: subprocess.Popen[str]) -> dict[str, str]:
    """Read until the block's last line; a process that ends before it has failed to start."""
    assert process.stdout
    rows: dict[str, str] = {}
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if line.startswith("  "):
            rows[line[2:12].strip()] = line[12:].strip()
        if line.startswith("  Reset"):
            return rows
    raise SmokeFailed(f"make demo ended: {' / '.join(lines[-3:])}")


def health(stranger: Stranger) -> None:
    stranger.expect(200, "GET", "/healthz")
    stranger.expect(200, "GET", "/readyz?for=ingest")
    stranger.done("healthy, and ready to take in nights")


def access(stranger: Stranger, curl: str) -> None:
    refused = stranger.expect(401, "GET", "/v1/whoami")
    if refused.body["code"] != "missing_token" or "WWW-Authenticate" not in refused.headers:
        raise SmokeFailed(f"a call without a token was refused oddly: {refused.body}")
    stranger.done("a call without a token is refused: missing_token")
    path, stranger.token = pasted(curl)
    caller = stranger.expect(200, "GET", path).body
    stranger.done(f"the printed token is {caller['name']}, role {caller['role']}")
    stranger.expect(404, "GET", "/v1/clients/00000000-0000-4000-8000-000000000000")
    stranger.done("what is not there is not found")


def audit(stranger: Stranger) -> None:
    """A change, its audit entry under the same request id, and the secret nowhere in it."""
    wanted = {"name": "smoke-reader", "role": "read"}
    made = stranger.expect(201, "POST", "/v1/clients", wanted)
    request_id = made.headers["X-Request-Id"]
    entries = stranger.expect(200, "GET", f"/v1/audit?request_id={request_id}").body["items"]
    actions = [entry["action"] for entry in entries]
    if sorted(actions) != ["client.create", "key.issue"]:
        raise SmokeFailed(f"the audit log tells {actions} of a new client")
    if made.body["key"]["secret"] in str(entries):
        raise SmokeFailed("the audit log holds a secret")
    stranger.done(f"a client was made; the audit log has it: {', '.join(sorted(actions))}")


def sign_in(stranger: Stranger, line: str) -> None:
    """`user admin, password …`, as printed."""
    username, password = (part.split(" ", 1)[1] for part in line.split(", "))
    body = {"username": username, "password": password, "tenant": "noctis"}
    pair = stranger.expect(200, "POST", "/v1/auth/token", body).body
    stranger.token = pair["access"]
    caller = stranger.expect(200, "GET", "/v1/whoami").body
    stranger.done(f"the printed operator {caller['name']} signed in")
