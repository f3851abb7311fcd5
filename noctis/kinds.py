"""What the text of a setting may say, a function a kind; ValueError says what is due. Pure."""

import base64

from noctis import rates
from noctis.db.url import database_settings

Value = str | int | float | bool | tuple[str, ...] | None


def boolean(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False}
    try:
        return words[text.lower()]
    except KeyError:
        raise ValueError("expected true or false") from None


def listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def keys_of_32_bytes(text: str) -> tuple[str, ...]:
    keys = listed(text)
    try:
        sizes = [len(base64.b64decode(key, altchars=b"-_", validate=True)) for key in keys]
    except ValueError:
        sizes = [0]
    if set(sizes) != {32}:
        # What could not be read may be a piece of a key.
        raise ValueError("expected comma-separated keys of 32 bytes, base64url")
    return keys


def natural(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError("expected a whole number, zero or more")
    return int(text)


def log_level(text: str) -> str:
    if text.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        raise ValueError("expected DEBUG, INFO, WARNING, ERROR or CRITICAL")
    return text.upper()


def positive(text: str) -> int:
    if (number := natural(text)) == 0:
        raise ValueError("expected one or more")
    return number


def seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise ValueError("expected zero or more seconds")
    return number


def threshold(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError("expected a number greater than zero")
    return number


def share(text: str) -> float:
    number = float(text)
    if not 0 < number < 1:
        raise ValueError("expected a share between 0 and 1")
    return number


def cache_seconds(text: str) -> float:
    """How long a revoked key may go on working is promised, so nobody can set it higher."""
    if not 0 < (number := float(text)) <= 5:
        raise ValueError("expected more than zero and at most five seconds")
    return number


def database_url(text: str) -> str:
    try:
        database_settings(text)
    except ValueError:
        # What could not be read may be a piece of the password.
        raise ValueError("expected postgresql://user:password@host:port/name") from None
    return text


def limits(text: str) -> tuple[str, ...]:
    rows = listed(text)
    rates.in_force(rows)
    return rows


def stage_of_life(text: str) -> str:
    if text not in ("development", "test", "production"):
        raise ValueError("expected development, test or production")
    return text
