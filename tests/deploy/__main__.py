"""`make image-steps`: build the image's folders without Docker, and walk the main job on them."""

import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from noctis.embedded.binaries import VALKEY, installed_package
from noctis.launch import smoke_nights, smoke_staging
from noctis.launch.stranger import SmokeFailed, Stranger
from tests.deploy.chroots import Image, stop
from tests.deploy.test_compose import SERVICES
from tests.timescale import packages, server
from tests.timescale.__main__ import FOLDER as TIMESCALE
from tests.timescale.packages import CannotFetch

FOLDER = Path(tempfile.gettempdir()) / "noctis-image"
DATABASE = "noctis_image_steps"
# Of the programs that come with the embedded server's wheel.
SERVED = 18
NONE_OF = "import importlib.util as i; print([n for n in ('pip', 'setuptools') if i.find_spec(n)])"
PROGRAMS = ("gcc", "cc", "make", "pip", "pip3")


def say(text: str) -> None:
    sys.stdout.write(f"  {text}\n")
    sys.stdout.flush()


def main() -> int:
    FOLDER.mkdir(mode=0o755, exist_ok=True)
    image = Image(FOLDER)
    try:
        started = time.monotonic()
        for step in image.make():
            say(f"left out, the base image is not here: {step}")
        say(f"both stages were built in {time.monotonic() - started:.0f} s")
        with ExitStack() as stack:
            walk(image, settings(stack))
    except CannotFetch as error:
        say(f"skipped: {error}")
    except SmokeFailed as error:
        say(f"FAILED: {error}")
        return 1
    return 0


@contextmanager
def database() -> Iterator[str]:
    """On the server that is named; else on a TimescaleDB that is fetched, which cannot forget."""
    url = os.environ.get("INTEGRATION_TEST_DATABASE_URL")
    if not url:
        TIMESCALE.mkdir(mode=0o755, exist_ok=True)
        with server.running(packages.fetch(TIMESCALE), fsync="on") as own:
            yield own
        return
    with psycopg.connect(url, autocommit=True) as there:
        drop = f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"
        there.execute(drop)
        there.execute(f"CREATE DATABASE {DATABASE}")
        yield urlsplit(url)._replace(path=f"/{DATABASE}").geturl()
        there.execute(drop)


def settings(stack: ExitStack) -> dict[str, str]:
    database_url = stack.enter_context(database())
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": stack.enter_context(valkey()),
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ENCRYPTION_KEYS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "ALLOWED_HOSTS": "127.0.0.1",
        "HOST": "127.0.0.1",
        "PORT": str(free_port()),
    }


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def valkey() -> Iterator[str]:
    (program,) = installed_package(VALKEY).glob("_binaries/*/valkey-server")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        words = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        try:
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()
            process.wait()


def walk(image: Image, known: dict[str, str]) -> None:
    shut(image, known)
    migrate = SERVICES["migrate"]["command"]
    expect(image.run(*migrate, **known), "the one-shot migrated, and a model serves")
    expect(image.run("python", "manage.py", "check", "--deploy", **known), "check --deploy")
    running = {
        "web": image.start("web", image.final.only("CMD").argv, **known),
        "worker": image.start("worker", SERVICES["worker"]["command"], **known),
        "beat": image.start("beat", SERVICES["beat"]["command"], **known),
    }
    try:
        healthy(image, known)
        work(image, known)
    finally:
        ended = {name: stop(process) for name, process in running.items()}
    say(f"asked to stop, they ended with {ended}")
    if any(ended.values()):
        tails = {name: (running[name].stdout or sys.stdin).read()[-600:] for name in ended}
        raise SmokeFailed(str(tails))


def shut(image: Image, known: dict[str, str]) -> None:
    """What must not be possible in a container."""
    found = [name for name in PROGRAMS if list(image.root.glob(f"usr/*bin/{name}"))]
    told = expect(image.run("python", "-c", NONE_OF, **known), "nothing that installs or builds")
    if found or told.strip() != "[]":
        raise SmokeFailed(f"still there: {found} {told}")
    code, said = image.run("python", "-c", "open('/app/x', 'w')", **known)
    if code == 0 or "Read-only file system" not in said:
        raise SmokeFailed(f"the application's folder is writable: {said}")
    say("the application's folder cannot be written")
    code, said = image.run(*image.final.only("CMD").argv, **known | {"SECRET_KEY": ""})
    if code != 3 or "noctis.E001" not in said:
        raise SmokeFailed(f"it started without a secret key: {code} {said[-2000:]}")
    say("without a secret key it does not start: noctis.E001")


def expect(ended: tuple[int, str], what: str) -> str:
    code, said = ended
    if code:
        raise SmokeFailed(f"{what}: exit {code}: {said[-1500:]}")
    say(what)
    return said


def healthy(image: Image, known: dict[str, str]) -> None:
    deadline = time.monotonic() + 60
    # Containers have addresses of their own; here the image's port may be somebody else's.
    own = image.final.environment()["PORT"]
    probe = [word.replace(own, known["PORT"]) for word in image.final.only("HEALTHCHECK").argv]
    while image.run(*probe, **known)[0]:
        if time.monotonic() > deadline:
            raise SmokeFailed("the health check never passed")
        time.sleep(0.5)
    say("the image's own health check passes")
    _, ping = SERVICES["worker"]["healthcheck"]["test"]
    command = ("sh", "-c", ping.replace("$$HOSTNAME", "worker"))
    expect(image.run(*command, **known), "the worker answers its health check")


def work(image: Image, known: dict[str, str]) -> None:
    """A tenant, its client, a night in, its stages out; then a backup that comes back equal."""
    manage = ("python", "manage.py")
    for words in (
        ("tenant", "create", "lab", "--name", "Lab"),
        ("client", "create", "lab", "admin", "--role", "admin"),
    ):
        expect(image.run(*manage, *words, **known), " ".join(words))
    token = expect(image.run(*manage, "client", "token", "lab", "admin", **known), "a token")
    stranger = Stranger(f"http://127.0.0.1:{known['PORT']}", say)
    stranger.token = token.split()[-1]
    say(f"ready: {stranger.expect(200, 'GET', '/readyz').body['edition']}")
    smoke_staging.show(stranger, smoke_nights.nights(stranger))
    numbers = str(stranger.expect(200, "GET", "/metrics").body)
    if not re.search(r"^predictions_total\{.*\} [1-9]", numbers, re.MULTILINE):
        raise SmokeFailed("the web server does not tell the worker's numbers")
    say("the web server tells the worker's numbers as well")
    back_up(image, known)


def back_up(image: Image, known: dict[str, str]) -> None:
    with psycopg.connect(known["DATABASE_URL"]) as there:
        major = there.info.server_version // 10_000
    if major != SERVED:
        say(f"left out, the image has PostgreSQL {SERVED}'s programs: a backup of version {major}")
        return
    for word in ("backup", "restore_test"):
        expect(image.run("python", "manage.py", word, **known), f"manage.py {word}")


if __name__ == "__main__":
    sys.exit(main())
