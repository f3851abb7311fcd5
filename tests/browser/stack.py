"""The platform that the browser opens: the demo in a temporary home, with people of several roles.

Imports no Django: everything is asked for as a person would, by shell or HTTP."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from noctis.embedded.temporary import temporary_home
from noctis.launch import smoke
from noctis.launch.programs import REPOSITORY
from noctis.launch.stranger import Stranger, pasted
from tenants import totp

CHROMIUM = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
STAGED_WITHIN_S, STOPS_WITHIN_S = 240, 120


@dataclass(frozen=True)
class Person:
    username: str
    password: str
    secret: str = ""

    @property
    def code(self) -> str:
        return totp.code_at(self.secret, int(time.time()) // totp.STEP_S) if self.secret else ""


@dataclass(frozen=True)
class Stack:
    address: str
    home: str
    admin: Person
    viewer: Person
    stranger: Stranger

    def manage(self, *words: str) -> dict[str, str]:
        return manage(self.home, *words)


def manage(home: str, *words: str) -> dict[str, str]:
    environment = os.environ | smoke.of_the_platform(home)
    for inherited in ("DATABASE_URL", "REDIS_URL"):
        environment.pop(inherited, None)
    done = subprocess.run(
        [sys.executable, "manage.py", *words, "--json"],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    told: dict[str, str] = json.loads(done.stdout)
    return told


def person(home: str, username: str, tenant: str, role: str, *, has_factor: bool) -> Person:
    extra = () if has_factor else ("--no-second-factor",)
    told = manage(home, "operator", "create", username, "--tenant", tenant, "--role", role, *extra)
    uri = urlsplit(told.get("second_factor", ""))
    return Person(username, told["password"], "".join(parse_qs(uri.query).get("secret", [])))


@contextmanager
def running_stack() -> Iterator[Stack]:
    with temporary_home() as home, smoke.demo(str(home.root)) as (process, printed):
        root = str(home.root)
        stranger = Stranger(printed["Console"].removesuffix("/console/"), lambda _: None)
        _, stranger.token = pasted(printed["Try"])
        admin = person(root, "ada", "noctis", "platform_admin", has_factor=True)
        viewer = person(root, "vera", "harbour", "tenant_viewer", has_factor=False)
        try:
            wait_until_staged(stranger)
            live_a_model(root)
            yield Stack(stranger.address, root, admin, viewer, stranger)
        finally:
            process.terminate()
            process.wait(STOPS_WITHIN_S)


def live_a_model(home: str) -> None:
    """So that the pages of a model's life have something on them: each has a row, and one a pin."""
    tenant, why = ("--tenant", "harbour"), ("--reason", "to be looked at")
    manage(home, "replay", "run", "null-clock", "linear-1", *tenant, "--wait")
    manage(home, "drift", "run", *tenant, "--model", "linear-1")
    quick = ("--label-source", "synthetic", "--set", "every=16", "--set", "iterations=8", "--here")
    manage(home, "retrain", "open", *tenant, *why, *quick)
    manage(home, "model", "pin", "linear-1", "--family", "live", *tenant, *why)


def wait_until_staged(stranger: Stranger) -> None:
    """Workers stage the demo's nights after its start."""
    deadline = time.monotonic() + STAGED_WITHIN_S
    while stranger.expect(200, "GET", "/v1/recordings?status=closed&limit=1").body["items"]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"nights still wait to be staged after {STAGED_WITHIN_S} s")
        time.sleep(0.5)
