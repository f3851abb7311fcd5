"""The platform's settings, with the naive peer's route."""

from noctis.settings import *  # noqa: F403 - the same settings, one route more

ROOT_URLCONF = "bench.urls"
