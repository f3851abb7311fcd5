"""Django's settings that no environment changes."""

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_prometheus",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "noctis.apps.ConsoleConfig",
    "noctis.apps.NoctisConfig",
    "tenants",
    "devices",
    "recordings",
    "inference",
    "mlops",
    "operations",
]

MIDDLEWARE = [
    "noctis.middleware.RequestLog",
    "noctis.middleware.SecurityHeaders",
    "noctis.middleware.KnownHost",
    "noctis.middleware.KnownLength",
    "django.middleware.security.SecurityMiddleware",
    "noctis.browsing.Session",
    "django.middleware.csrf.CsrfViewMiddleware",
    "noctis.browsing.Authentication",
    "noctis.browsing.Messages",
]

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "noctis.static.VersionedFiles"},
}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]
SILENCED_SYSTEM_CHECKS = [
    "security.W002",  # noctis.middleware.SecurityHeaders sets X-Frame-Options
    "security.W008",  # no redirect to HTTPS: see SECURE_SSL_REDIRECT
    "security.W021",  # HSTS preload is the domain owner's decision
    "security.W005",  # and so are its subdomains
]

SPECTACULAR_SETTINGS = {
    "TITLE": "Noctis",
    "DESCRIPTION": (
        "Nights in, hypnograms out: the API for devices, services and operators. "
        "Every refusal has one shape and a code; [each code has a page](/v1/problems)."
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["noctis.openapi.complete"],
}
