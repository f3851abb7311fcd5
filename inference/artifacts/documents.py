"""A folder's texts, read strictly: nothing in them that no row can keep and no float can hold."""

import sys
from typing import Any

import msgspec

from inference.artifacts.faults import BadManifest

LARGEST = 16 * 1024 * 1024
DEEPEST = 32
# What is beyond is no float either.
MOST_NUMBER = int(sys.float_info.max)


def text(name: str, raw: bytes) -> str:
    _check_length(name, raw)
    try:
        found = raw.decode()
    except UnicodeDecodeError:
        raise BadManifest(f"{name} is not UTF-8") from None
    _check_plain(name, found)
    return found


def decoded(name: str, raw: bytes, kind: Any) -> Any:
    """JSON as what is expected of it, or a refusal."""
    _check_length(name, raw)
    try:
        found = msgspec.json.decode(raw, type=kind)
        plain = msgspec.to_builtins(found)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadManifest(f"{name}: {error}") from None
    _check_plain(name, plain)
    return found


def _check_length(name: str, raw: bytes) -> None:
    if len(raw) > LARGEST:
        raise BadManifest(f"{name} is longer than {LARGEST} bytes")


def _check_plain(name: str, value: Any) -> None:
    """Every text, number and name, however deep."""
    left, depth = [value], 0
    while left:
        if depth > DEEPEST:
            raise BadManifest(f"{name}: lists and objects are at most {DEEPEST} deep")
        for one in left:
            if isinstance(one, str) and "\0" in one:
                raise BadManifest(f"{name}: a text holds a NUL")
            if isinstance(one, int) and abs(one) > MOST_NUMBER:
                raise BadManifest(f"{name}: a whole number that no float holds")
        left = [within for one in left for within in _within(one)]
        depth += 1


def _within(value: Any) -> Any:
    if isinstance(value, dict):
        return (*value, *value.values())
    return value if isinstance(value, list) else ()
