"""The three kinds of server that the platform runs on. Pure."""

from enum import StrEnum


class Edition(StrEnum):
    POSTGRES = "postgres"
    APACHE = "timescale-apache"
    TIMESCALE = "timescale"
