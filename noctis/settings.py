"""Django's settings, built from the table in `noctis.environment`; no app reads the environment."""

import base64
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext

from noctis import embedded, environment, logs, process_names
from noctis.db.url import database_settings
from noctis.fixed import *  # noqa: F403 - settings as well, word for word

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """Whoever mistyped a variable reads its name, not a traceback."""
    try:
        yield
    except (environment.BadSettings, embedded.EmbeddedError) as error:
        raise SystemExit(f"settings: {error}") from None


with told_in_one_line():
    READINGS = environment.read(os.environ)


def setting(name: str) -> Any:
    return READINGS[name].value


def local_secret(name: str) -> str:
    """Outside production a missing secret is made once and kept; in production it stays missing."""
    with told_in_one_line():
        return "" if PRODUCTION else embedded.local_secret(VAR_DIR, name)


NOCTIS_ENV = setting("NOCTIS_ENV")
PRODUCTION = NOCTIS_ENV == "production"
DEBUG = setting("DEBUG")
VAR_DIR = Path(setting("NOCTIS_VAR_DIR") or BASE_DIR / "var")
EMBEDDED_USER = setting("NOCTIS_EMBEDDED_USER")

SECRET_KEY = setting("SECRET_KEY") or local_secret("secret_key") or "missing"
ENCRYPTION_KEYS = setting("ENCRYPTION_KEYS") or tuple(
    base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()).decode()
    for key in filter(None, [local_secret("encryption_key")])
)

with told_in_one_line():
    EMBEDDED = {} if PRODUCTION else embedded.addresses(VAR_DIR)
DATABASE_URL = setting("DATABASE_URL") or EMBEDDED.get("DATABASE_URL", "")
REDIS_URL = setting("REDIS_URL") or EMBEDDED.get("REDIS_URL", "")
USES_EMBEDDED = not (setting("DATABASE_URL") and setting("REDIS_URL"))

# Where a value comes from when the environment names none: for `manage.py config`.
DERIVED = (
    {}
    if PRODUCTION
    else {
        "SECRET_KEY": "kept under var",
        "ENCRYPTION_KEYS": "kept under var",
        "DATABASE_URL": "embedded",
        "REDIS_URL": "embedded",
        "ALLOWED_HOSTS": "development",
    }
) | {"SECURE_COOKIES": NOCTIS_ENV, "SECOND_FACTOR_REQUIRED": NOCTIS_ENV}

ALLOWED_HOSTS = list(setting("ALLOWED_HOSTS"))
if not PRODUCTION:
    ALLOWED_HOSTS = ALLOWED_HOSTS or ["localhost", "127.0.0.1", "[::1]", "testserver"]

WEB_HOST: str = setting("HOST")
WEB_PORT: int = setting("PORT")
WEB_CONCURRENCY: int = setting("WEB_CONCURRENCY")
WEB_THREADS: int = setting("WEB_THREADS")
WORKER_METRICS_PORT: int = setting("WORKER_METRICS_PORT")

FAULTS_ENABLED: bool = setting("FAULTS_ENABLED")
INGEST_IN_FLIGHT: int = setting("INGEST_IN_FLIGHT")
OTHER_IN_FLIGHT: int = setting("OTHER_IN_FLIGHT")

CSRF_FAILURE_VIEW = "tenants.console.site.csrf_failure"
LOGIN_REDIRECT_URL = "/console/"  # where a `next` that leads elsewhere ends
ROOT_URLCONF = "noctis.urls"
WSGI_APPLICATION = "noctis.wsgi.application"
APPEND_SLASH = False
AUTH_USER_MODEL = "tenants.Operator"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
TIMESCALE_DB_BACKEND_BASE = "django_prometheus.db.backends.postgresql"
DATABASES = {"default": database_settings(DATABASE_URL)}
DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", setting("DB_CONNECT_TIMEOUT_SECONDS"))
REQUEST_TIMEOUT_SECONDS = setting("REQUEST_TIMEOUT_SECONDS")
DB_RETRY_MAX_ATTEMPTS = setting("DB_RETRY_MAX_ATTEMPTS")
DB_RETRY_BASE_DELAY_SECONDS = setting("DB_RETRY_BASE_DELAY_SECONDS")
DB_RETRY_MAX_DELAY_SECONDS = setting("DB_RETRY_MAX_DELAY_SECONDS")
DB_CIRCUIT_FAILURE_THRESHOLD = setting("DB_CIRCUIT_FAILURE_THRESHOLD")
DB_CIRCUIT_RECOVERY_SECONDS = setting("DB_CIRCUIT_RECOVERY_SECONDS")
DB_POOL = {
    "min_size": setting("DB_POOL_SIZE"),
    "max_size": setting("DB_POOL_SIZE") and setting("DB_POOL_SIZE") + setting("DB_MAX_OVERFLOW"),
    "timeout": setting("DB_POOL_TIMEOUT_SECONDS"),
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 1.0, "socket_connect_timeout": 1.0},
    }
}

SECOND_FACTOR_REQUIRED = (
    PRODUCTION if setting("SECOND_FACTOR_REQUIRED") is None else setting("SECOND_FACTOR_REQUIRED")
)

SECURE_COOKIES = PRODUCTION if setting("SECURE_COOKIES") is None else setting("SECURE_COOKIES")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "noctis_session"
SESSION_COOKIE_AGE = 12 * 3600
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_COOKIES else 0
SECURE_SSL_REDIRECT = False  # the proxy that ends TLS redirects; probes come over plain HTTP
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if setting("TRUST_PROXY") else None
CSRF_TRUSTED_ORIGINS = list(setting("CSRF_TRUSTED_ORIGINS"))
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
JWT_MAX_TTL_SECONDS = setting("JWT_MAX_TTL_SECONDS")
JWT_LEEWAY_SECONDS = setting("JWT_LEEWAY_SECONDS")
KEY_CACHE_SECONDS = setting("KEY_CACHE_SECONDS")
RATE_LIMITS = setting("RATE_LIMITS")
EPOCHS_RETENTION_DAYS = setting("EPOCHS_RETENTION_DAYS")
PREDICTIONS_RETENTION_DAYS = setting("PREDICTIONS_RETENTION_DAYS")
EPOCHS_COMPRESSION_AFTER_DAYS = setting("EPOCHS_COMPRESSION_AFTER_DAYS")
BACKUP_DIR = Path(setting("BACKUP_DIR") or VAR_DIR / "backups")
BACKUP_KEEP = setting("BACKUP_KEEP")
BACKUP_ENCRYPTION_KEYS = setting("BACKUP_ENCRYPTION_KEYS")
BACKUP_TOOLS_DIR = setting("BACKUP_TOOLS_DIR") or ""
SHIPPED_MODELS_DIR = BASE_DIR / "models"
MODELS_DIR = Path(setting("MODELS_DIR") or SHIPPED_MODELS_DIR)
NOCTIS_DATA_DIR = setting("NOCTIS_DATA_DIR")
DATASETS_DIR = Path(setting("DATASETS_DIR") or VAR_DIR / "datasets")
TRAINING_TIME_LIMIT_SECONDS = setting("TRAINING_TIME_LIMIT_SECONDS")
TRAINING_MEMORY_LIMIT_MB = setting("TRAINING_MEMORY_LIMIT_MB")
ACTIVE_MODEL_VERSION = setting("ACTIVE_MODEL_VERSION") or ""
ACTIVE_LIVE_MODEL_VERSION = setting("ACTIVE_LIVE_MODEL_VERSION") or ""
# How often a process asks whether something else serves; at 0 it learns by a reload alone.
MODEL_POLL_S = 1.0
STAGING_PAUSE_S = 120.0  # more for each time that a night was staged, until it is staged again
DRIFT_CURRENT_DAYS = setting("DRIFT_CURRENT_DAYS")
DRIFT_BASELINE_DAYS = setting("DRIFT_BASELINE_DAYS")
DRIFT_PSI_THRESHOLD = setting("DRIFT_PSI_THRESHOLD")
DRIFT_KL_THRESHOLD = setting("DRIFT_KL_THRESHOLD")
DRIFT_Z_THRESHOLD = setting("DRIFT_Z_THRESHOLD")
GATE_NIGHTS = setting("GATE_NIGHTS")
GATE_PEOPLE = setting("GATE_PEOPLE")
GATE_KAPPA = setting("GATE_KAPPA")
GATE_MACRO_F1 = setting("GATE_MACRO_F1")
GATE_SMALLEST_RECALL = setting("GATE_SMALLEST_RECALL")
GATE_CALIBRATION_ERROR = setting("GATE_CALIBRATION_ERROR")
GATE_OVER_NULL = setting("GATE_OVER_NULL")
GATE_BEHIND_INCUMBENT = setting("GATE_BEHIND_INCUMBENT")
CACHE_MAX_ITEMS = setting("CACHE_MAX_ITEMS")
CACHE_MAX_BYTES = setting("CACHE_MAX_BYTES")
CACHE_TTL_SECONDS = setting("CACHE_TTL_SECONDS")
AUDIT_POLL_INTERVAL_SECONDS = setting("AUDIT_POLL_INTERVAL_SECONDS")
STRESS_IN_PRODUCTION = setting("STRESS_IN_PRODUCTION")
SLO_INFERENCE_P95_MS = setting("SLO_INFERENCE_P95_MS")
SLO_INFERENCE_P99_MS = setting("SLO_INFERENCE_P99_MS")
SLO_INGEST_FAILURE_RATE = setting("SLO_INGEST_FAILURE_RATE")
SLO_DB_COMMIT_P95_MS = setting("SLO_DB_COMMIT_P95_MS")
SLO_MODEL_RELOAD_SUCCESS_RATE = setting("SLO_MODEL_RELOAD_SUCCESS_RATE")

SIMPLE_JWT = {
    "SIGNING_KEY": hashlib.sha256(f"operator tokens:{SECRET_KEY}".encode()).hexdigest(),
    "ALGORITHM": "HS256",
    "ISSUER": "noctis",
    "AUDIENCE": "noctis-operators",
    "LEEWAY": setting("JWT_LEEWAY_SECONDS"),
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=setting("OPERATOR_ACCESS_MINUTES")),
    "REFRESH_TOKEN_LIFETIME": timedelta(hours=setting("OPERATOR_REFRESH_HOURS")),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "USER_ID_CLAIM": "sub",
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.permissions.PolicyPermission"],
    "DEFAULT_THROTTLE_CLASSES": ["tenants.throttling.ClientThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["noctis.http.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["noctis.http.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "noctis.pagination.Keyset",
    "DEFAULT_SCHEMA_CLASS": "noctis.openapi.Operation",
    "EXCEPTION_HANDLER": "noctis.http.problem_for_exception",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "DEFAULT_VERSIONING_CLASS": None,
    # Without it any caller names the address that sign-in is limited by.
    "NUM_PROXIES": int(setting("TRUST_PROXY")),
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_RESULT_BACKEND = CELERY_BROKER_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 3600
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 2 * CELERY_TASK_TIME_LIMIT}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "noctis.beat.Scheduler"
CELERY_TIMEZONE = "UTC"

LOGGING = logs.configuration(
    setting("LOG_LEVEL"),
    [SECRET_KEY, *ENCRYPTION_KEYS, *BACKUP_ENCRYPTION_KEYS, DATABASES["default"]["PASSWORD"]],
)
PROMETHEUS_LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
PROMETHEUS_EXPORT_MIGRATIONS = False
SHARES_METRICS = bool(setting("PROMETHEUS_MULTIPROC_DIR"))
if SHARES_METRICS:
    process_names.name_metric_files()
