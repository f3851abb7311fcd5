"""The platform's settings, but a night is staged anew soon after every late batch."""

from noctis.settings import *  # noqa: F403 - the same settings, one number less

STAGING_PAUSE_S = 0.0
