"""The platform's settings, but every process looks often enough to see each of many changes."""

from noctis.settings import *  # noqa: F403 - the same settings, one number less

MODEL_POLL_S = 0.05
