"""The web's worker with less patience than a test has."""

from noctis import slow_headers


class Worker(slow_headers.Worker):
    patience_s = 0.5
