"""The web's worker with less patience than a test has."""

from noctis import crowds


class Worker(crowds.Worker):
    patience_s = 0.5
