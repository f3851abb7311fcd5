"""Settings of the house: where it runs, its secrets, servers, web processes and log."""

from noctis.environment.setting import Setting
from noctis.kinds import (
    boolean,
    database_url,
    listed,
    log_level,
    natural,
    positive,
    seconds,
    stage_of_life,
)

HOUSE = (
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
        "INGEST_IN_FLIGHT",
        24,
        positive,
        "Calls that bring nights in which a web worker serves or lets wait at once; beyond it they "
        "are told `overloaded`.",
    ),
    Setting("OTHER_IN_FLIGHT", 12, positive, "The same for all other calls but probes."),
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
    Setting(
        "FAULTS_ENABLED",
        False,
        boolean,
        "Lets a platform admin make parts fail on purpose, for an hour at most; for drills.",
    ),
    Setting("LOG_LEVEL", "INFO", log_level, "Least level that is logged."),
    Setting(
        "PROMETHEUS_MULTIPROC_DIR",
        None,
        str,
        "Folder through which processes share their metrics; the demo sets it.",
    ),
    Setting(
        "WORKER_METRICS_PORT",
        0,
        natural,
        "Port on which a Celery worker serves `/metrics`, where it shares no folder with the web; "
        "0 for none.",
    ),
    Setting("NOCTIS_VAR_DIR", None, str, "Folder of the embedded servers; `var` when not set."),
    Setting(
        "NOCTIS_EMBEDDED_USER",
        "nobody",
        str,
        "User that the embedded servers run as when the demo is started by root.",
    ),
)
