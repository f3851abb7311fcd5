"""The servers of a test run: temporary ones, started before anything reads Django's settings."""

import atexit
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack

import django
import hypothesis
import pytest
from django.conf import settings
from django.contrib.auth.hashers import ScryptPasswordHasher
from django.db import connection
from pytest_django import DjangoDbBlocker

from noctis.db.maintenance import SETTING
from noctis.embedded import Instance
from noctis.embedded.temporary import temporary_home
from tests.chaos.migrated import KEPT_IN


def start_servers() -> None:
    """Start servers that end with this process, and point the settings at them."""
    stack = ExitStack()
    instance = stack.enter_context(Instance(stack.enter_context(temporary_home())))
    process = os.getpid()
    atexit.register(lambda: stack.close() if os.getpid() == process else None)
    os.environ |= {
        **instance.addresses(),
        "NOCTIS_ENV": "test",
        "NOCTIS_VAR_DIR": str(instance.home.root),
        "MODELS_DIR": str(instance.home.root / "models"),
        "DJANGO_SETTINGS_MODULE": "noctis.settings",
    }
    # The one process of a run that starts the others says where for all of them.
    os.environ.setdefault(KEPT_IN, str(instance.home.root / "migrated"))
    if url := os.environ.get("INTEGRATION_TEST_DATABASE_URL"):
        os.environ["DATABASE_URL"] = url


# pytest-django reads the settings before this file where pyproject.toml or --ds names them, and
# then they point at the demo's servers, which no test may touch.
if settings.configured:
    raise pytest.UsageError("Django's settings came before the servers: name no settings module")
# A job in the background ignores Ctrl-C and hands that on; tests that send it need it heard.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
start_servers()
django.setup()
# How long an example takes is the machine's affair.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")
# A test's rows are seen by its own connection alone, and never by a thread beside it.
settings.MODEL_POLL_S = 0
# A password is hashed as the platform does it, with a thousandth of its memory and time.
ScryptPasswordHasher.work_factor = 2**4


from inference import serving  # noqa: E402 - models need the settings
from inference.services import shipped  # noqa: E402 - and so do services
from inference.services.model_events import Decision  # noqa: E402 - and what they take
from noctis import limits  # noqa: E402 - and so do circuits
from noctis.db import circuit  # noqa: E402 - and so does the other
from tests.factories import ACTOR  # noqa: E402 - and the rows that they make


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """As on a new platform: the versions that ship are registered, and one serves."""
    with django_db_blocker.unblock():
        shipped.ensure_models(decision=Decision(ACTOR, "for the tests"))


@pytest.fixture(autouse=True)
def _as_a_new_process() -> Iterator[None]:
    """What a test loaded are rows that end with it, and what was away is there again."""
    yield
    serving.forget()
    circuit.DATABASE.reset()
    limits.STORE.reset()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Each process of a divided run starts servers of its own, as this one did."""
    del os.environ["DJANGO_SETTINGS_MODULE"]


def pytest_report_header() -> str:
    return f"servers: {os.environ['NOCTIS_VAR_DIR']}"


@pytest.fixture
def committed_rows(transactional_db: None) -> Iterator[None]:
    """For what needs real transactions: rows that other connections see, deleted at the end."""
    yield
    # Append-only tables are emptied with the others. The session ends right after that.
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, 'on', false)", [SETTING])
