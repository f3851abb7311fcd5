"""Secrets at rest: the ring's first key encrypts, every key decrypts, so that keys can rotate."""

from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unreadable(Exception):
    """No key of the ring opens this secret: a key was dropped before its secrets were moved."""


@cache
def _ring(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ValueError("expected comma-separated Fernet keys (32 bytes, base64url)") from error


def ring() -> MultiFernet:
    return _ring(tuple(settings.ENCRYPTION_KEYS))


def encrypt(secret: bytes) -> str:
    return ring().encrypt(secret).decode()


def decrypt(sealed: str) -> bytes:
    try:
        return ring().decrypt(sealed.encode())
    except InvalidToken:
        raise Unreadable("ENCRYPTION_KEYS lacks the key that sealed this secret") from None


def is_current(sealed: str) -> bool:
    """Is it the ring's first key that opens this secret?"""
    try:
        _ring(tuple(settings.ENCRYPTION_KEYS[:1])).decrypt(sealed.encode())
    except InvalidToken:
        return False
    return True
