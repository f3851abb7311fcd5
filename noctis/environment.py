"""The table of every setting: name, default, kind, meaning. Pure: knows no Django."""

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from noctis import rates
from noctis.kinds import (
    Value,
    boolean,
    cache_seconds,
    database_url,
    keys_of_32_bytes,
    limits,
    listed,
    log_level,
    natural,
    positive,
    seconds,
    stage_of_life,
)


class BadSettings(Exception):
    """Names every variable that could not be read, so that one run shows all that is wrong."""


@dataclass(frozen=True)
class Setting:
    name: str
    default: Value
    kind: Callable[[str], Value]
    doc: str
    secret: bool = False


@dataclass(frozen=True)
class Reading:
    setting: Setting
    value: Value
    source: str

    @property
    def shown(self) -> Value:
        """The value as an operator may see it: a secret is only said to be there."""
        return "********" if self.setting.secret and self.value else self.value


SETTINGS = (
    Setting(
        "NOCTIS_ENV",
        "development",
        stage_of_life,
        "`development`, `test` or `production`; production refuses embedded servers and weak keys.",
    ),
    Setting(
        "DATABASE_URL",
        None,
        database_url,
        "PostgreSQL or TimescaleDB; without it the embedded PostgreSQL is used.",
        secret=True,
    ),
    Setting(
        "REDIS_URL",
        None,
        str,
        "Redis or Valkey; without it the embedded Valkey is used.",
        secret=True,
    ),
    Setting(
        "SECRET_KEY",
        None,
        str,
        "Signs sessions and operator tokens, at least 50 random characters; "
        "made and kept under `var/` outside production.",
        secret=True,
    ),
    Setting(
        "ENCRYPTION_KEYS",
        (),
        listed,
        "Key ring for secrets at rest, Fernet keys, comma-separated; the first encrypts, "
        "all decrypt. Made and kept under `var/` outside production.",
        secret=True,
    ),
    Setting("DEBUG", False, boolean, "Django's debug pages; refused in production."),
    Setting(
        "ALLOWED_HOSTS",
        (),
        listed,
        "Host names that the platform answers to; loopback names outside production.",
    ),
    Setting(
        "CSRF_TRUSTED_ORIGINS",
        (),
        listed,
        "Origins of the console behind a proxy, such as `https://noctis.example`.",
    ),
    Setting(
        "SECURE_COOKIES",
        None,
        boolean,
        "Cookies over HTTPS only and HSTS; on in production, off elsewhere, unless set.",
    ),
    Setting(
        "TRUST_PROXY",
        False,
        boolean,
        "Believe `X-Forwarded-Proto` and the last `X-Forwarded-For` of a proxy that sets both.",
    ),
    Setting("HOST", "127.0.0.1", str, "Where gunicorn binds; the demo refuses all but loopback."),
    Setting("PORT", 8000, natural, "Port of the web server."),
    Setting("WEB_CONCURRENCY", 2, positive, "Web worker processes."),
    Setting("WEB_THREADS", 4, positive, "Threads in each web worker."),
    Setting(
        "DB_POOL_SIZE",
        0,
        natural,
        "Database connections that the threads of a web worker share, for servers that spare fewer "
        "than there are threads; at 0 each thread keeps one of its own, which is faster.",
    ),
    Setting("DB_MAX_OVERFLOW", 4, natural, "Further connections that a pool may open when busy."),
    Setting(
        "DB_POOL_TIMEOUT_SECONDS",
        5,
        natural,
        "How long a request waits for a connection of the pool before it is told `db_error`.",
    ),
    Setting("DB_CONNECT_TIMEOUT_SECONDS", 5, positive, "How long opening a connection may take."),
    Setting(
        "REQUEST_TIMEOUT_SECONDS",
        30,
        positive,
        "How long the database may work for a request; then `request_timeout`.",
    ),
    Setting("DB_RETRY_MAX_ATTEMPTS", 3, positive, "Tries at work that the database broke off."),
    Setting(
        "DB_RETRY_BASE_DELAY_SECONDS",
        0.2,
        seconds,
        "Longest wait before the second try; doubles with each, drawn at random below it.",
    ),
    Setting("DB_RETRY_MAX_DELAY_SECONDS", 2.0, seconds, "Where the doubling ends."),
    Setting(
        "DB_CIRCUIT_FAILURE_THRESHOLD",
        5,
        positive,
        "Failures in a row to reach the database after which a process stops trying.",
    ),
    Setting(
        "DB_CIRCUIT_RECOVERY_SECONDS",
        10,
        positive,
        "Longest pause between two tries while it answers `db_circuit_open`; the first is 1 s.",
    ),
    Setting("JWT_MAX_TTL_SECONDS", 86_400, positive, "Longest life of a service token."),
    Setting("JWT_LEEWAY_SECONDS", 30, natural, "Clock difference that is forgiven in a token."),
    Setting(
        "KEY_CACHE_SECONDS",
        5.0,
        cache_seconds,
        "How long a process trusts a key it has read; a revoked key stops working within it. "
        "More than 0, at most 5.",
    ),
    Setting(
        "EPOCHS_RETENTION_DAYS",
        90,
        positive,
        "How long epochs are kept; a tenant may keep less, never more. Deleting follows only once "
        "`manage.py storage apply` has said so.",
    ),
    Setting(
        "PREDICTIONS_RETENTION_DAYS",
        180,
        positive,
        "The same for the log of predictions; never shorter than the epochs', whatever it says.",
    ),
    Setting(
        "EPOCHS_COMPRESSION_AFTER_DAYS",
        7,
        positive,
        "When epochs are compressed, where the server's edition of TimescaleDB can.",
    ),
    Setting("BACKUP_DIR", None, str, "Where scheduled backups go; `var/backups` when not set."),
    Setting("BACKUP_KEEP", 7, positive, "How many scheduled backups are kept."),
    Setting(
        "BACKUP_ENCRYPTION_KEYS",
        (),
        keys_of_32_bytes,
        "Key ring of backups, 32 bytes in base64url each, comma-separated; the first encrypts, all "
        "decrypt. Without it backups are not encrypted.",
        secret=True,
    ),
    Setting("BACKUP_TOOLS_DIR", None, str, "Where pg_dump and pg_restore are, if not in `PATH`."),
    Setting(
        "CACHE_MAX_ITEMS",
        5_000,
        natural,
        "Answers of costly models that a web worker remembers; 0 for none.",
    ),
    Setting("CACHE_MAX_BYTES", 32 * 1024 * 1024, natural, "Memory that they may take in a worker."),
    Setting("CACHE_TTL_SECONDS", 300.0, seconds, "How long each is remembered, used or not."),
    Setting("MODELS_DIR", None, str, "Folder of the models' artifacts; `models` when not set."),
    Setting(
        "ACTIVE_MODEL_VERSION",
        None,
        str,
        "Pins the model version that serves, for every pass that it offers; while it is set, "
        "promotion and rollback are refused. Without it the registry decides.",
    ),
    Setting(
        "ACTIVE_LIVE_MODEL_VERSION",
        None,
        str,
        "Pins the model version of the live pass, over `ACTIVE_MODEL_VERSION`.",
    ),
    Setting("OPERATOR_ACCESS_MINUTES", 15, natural, "Life of an operator's access token."),
    Setting("OPERATOR_REFRESH_HOURS", 12, natural, "Life of an operator's refresh token."),
    Setting(
        "SECOND_FACTOR_REQUIRED",
        None,
        boolean,
        "Operators need a one-time code; on in production, off elsewhere, unless set.",
    ),
    Setting(
        "RATE_LIMITS",
        rates.USUAL,
        limits,
        "Calls per client and route class, `class=number/second|minute|hour`; `class=off` lifts.",
    ),
    Setting("LOG_LEVEL", "INFO", log_level, "Least level that is logged."),
    Setting(
        "PROMETHEUS_MULTIPROC_DIR",
        None,
        str,
        "Folder through which processes share their metrics; the demo sets it.",
    ),
    Setting("NOCTIS_VAR_DIR", None, str, "Folder of the embedded servers; `var` when not set."),
    Setting(
        "NOCTIS_EMBEDDED_USER",
        "nobody",
        str,
        "User that the embedded servers run as when the demo is started by root.",
    ),
)


def read(environ: Mapping[str, str]) -> dict[str, Reading]:
    """Read every setting; an empty variable counts as not set, as compose files leave them."""
    readings, problems = {}, []
    for setting in SETTINGS:
        text = environ.get(setting.name, "").strip()
        try:
            value = setting.kind(text) if text else setting.default
        except ValueError as error:
            problems.append(f"{setting.name}: {error}")
            continue
        readings[setting.name] = Reading(setting, value, "environment" if text else "default")
    if problems:
        raise BadSettings("; ".join(problems))
    return readings


def as_text(value: Value) -> str:
    """A value as it is written in the environment; nothing where there is none."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else "" if value is None else str(value)


def table() -> str:
    """Markdown for docs/settings.md: every setting, its default and its meaning."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for row in SETTINGS:
        default = f"`{as_text(row.default)}`" if as_text(row.default) else "none"
        meaning = row.doc.replace("|", r"\|") + (" Secret." if row.secret else "")
        rows.append(f"| `{row.name}` | {default} | {meaning} |")
    return "\n".join(rows)


def example() -> str:
    """The text of .env.example: every setting, its meaning above it, at its default."""
    intro = (
        "Every setting at its default; docs/settings.md has the same as a table. Copy it to .env "
        "for docker compose, or export what differs. An empty variable counts as not set."
    )
    parts = [_comment(intro)]
    for row in SETTINGS:
        parts.append(f"{_comment(row.doc.replace('`', ''))}\n{row.name}={as_text(row.default)}")
    return "\n\n".join(parts) + "\n"


def _comment(text: str) -> str:
    return textwrap.fill(text, 98, initial_indent="# ", subsequent_indent="# ")
