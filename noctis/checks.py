"""What must be true before the platform serves, as Django system checks with ids."""

import sys
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.db import OperationalError, connections
from django.db.migrations.executor import MigrationExecutor

from noctis import keyring

PLACEHOLDERS = ("change", "placeholder", "secret", "example", "insecure", "password", "missing")
SHORTEST_SECRET = 50
# gunicorn starts a worker again and again unless it ends with this status.
CANNOT_BOOT = 3


def _weak(secret: str) -> bool:
    lowered = secret.lower()
    has_placeholder = any(word in lowered for word in PLACEHOLDERS)
    return len(secret) < SHORTEST_SECRET or len(set(secret)) < 12 or has_placeholder


def _drawn(keys: Sequence[str]) -> bool:
    """A key that somebody typed has few different characters."""
    return bool(keys) and all(len(set(key)) >= 12 for key in keys)


@checks.register(checks.Tags.security)
def production_demands(**_: Any) -> list[CheckMessage]:
    """Production starts with secrets of its own and servers of its own, or not at all."""
    if not settings.PRODUCTION:
        return []
    demands = (
        ("E001", _weak(settings.SECRET_KEY), "SECRET_KEY is missing, short or a placeholder."),
        ("E002", not _drawn(settings.ENCRYPTION_KEYS), "ENCRYPTION_KEYS is missing or typed."),
        ("E003", settings.DEBUG, "DEBUG is on."),
        ("E004", not settings.DATABASE_URL, "DATABASE_URL is missing: embedded is for trying out."),
        ("E005", not settings.REDIS_URL, "REDIS_URL is missing: embedded is for trying out."),
        ("E006", not _named(settings.ALLOWED_HOSTS), "ALLOWED_HOSTS is missing or a wildcard."),
        ("E007", not settings.SECURE_COOKIES, "SECURE_COOKIES is off."),
        ("E008", not settings.SECOND_FACTOR_REQUIRED, "SECOND_FACTOR_REQUIRED is off."),
    )
    return [
        Error(text, hint=_HINT, id=f"noctis.{code}") for code, is_bad, text in demands if is_bad
    ]


_HINT = "docs/settings.md says how each is set; `manage.py config` shows what is in force."


@checks.register(checks.Tags.security)
def key_ring_is_readable(**_: Any) -> list[CheckMessage]:
    try:
        if settings.ENCRYPTION_KEYS:
            keyring.ring()
    except ValueError as error:
        return [Error(f"ENCRYPTION_KEYS: {error}.", hint=_HINT, id="noctis.E010")]
    return []


@checks.register(checks.Tags.security, deploy=True)
def metrics_are_shared(**_: Any) -> list[CheckMessage]:
    """Each worker counts for itself, and a scrape is answered by any one of them."""
    if not settings.PRODUCTION or settings.SHARES_METRICS or settings.WEB_CONCURRENCY == 1:
        return []
    told = "Several web workers do not share their metrics: PROMETHEUS_MULTIPROC_DIR is missing."
    return [checks.Warning(told, hint=_HINT, id="noctis.W001")]


@checks.register(checks.Tags.security, deploy=True)
def faults_are_for_drills(**_: Any) -> list[CheckMessage]:
    """Whoever may switch them on may stop the platform for an hour."""
    if not (settings.PRODUCTION and settings.FAULTS_ENABLED):
        return []
    told = "FAULTS_ENABLED is on: a platform admin can make this installation fail."
    return [checks.Warning(told, hint=_HINT, id="noctis.W002")]


DURABILITY = {"E020": "fsync", "E021": "full_page_writes", "E022": "synchronous_commit"}


@checks.register(checks.Tags.database)
def acknowledged_means_committed(
    databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """A server that may forget on a crash makes a lie of every 200."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        with connections[alias].cursor() as cursor:
            for code, name in DURABILITY.items():
                cursor.execute(f"SHOW {name}")
                if cursor.fetchone() == ("off",):
                    found.append(Error(f"The database has {name} off.", id=f"noctis.{code}"))
    return found


# Only of a deployment: `migrate` itself asks the database's checks first.
@checks.register(checks.Tags.database, deploy=True)
def schema_is_migrated(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    hint = "Run `manage.py migrate`; until then /readyz answers 503."
    behind = [alias for alias in databases or () if _pending(alias)]
    return [Error("Migrations are pending.", hint=hint, id="noctis.E030") for _alias in behind]


def _pending(alias: str) -> bool:
    executor = MigrationExecutor(connections[alias])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _named(hosts: Sequence[str]) -> bool:
    return bool(hosts) and "*" not in hosts


def refuse_to_start_unready() -> None:
    """A server calls this before it serves; one line for each demand that is not met."""
    found = [*production_demands(), *key_ring_is_readable()]
    if settings.PRODUCTION and not found:
        found = _database_demands()
    if found:
        sys.stderr.write("".join(f"{message.id}: {message.msg}\n" for message in found))
        raise SystemExit(CANNOT_BOOT)


def _database_demands() -> list[CheckMessage]:
    """A database that is away now is readiness's matter: it may come back without us. So is a
    model that is not there: nights come in without one."""
    named = {"databases": ["default"]}
    try:
        return [*acknowledged_means_committed(**named), *schema_is_migrated(**named)]
    except OperationalError:
        return []
    finally:
        connections["default"].close()
