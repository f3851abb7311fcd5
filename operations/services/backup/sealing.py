"""Encrypted files in bounded memory: AES-256-GCM in chunks that cannot be swapped, cut or mixed.

The file's own key comes from the ring's key and the file's salt, so that nonces may be counters."""

import base64
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"NOCTISB\x01"
CHUNK = 1024 * 1024
TAG = 16
SALT = 32


class Unsealable(Exception):
    """The bytes are not what was sealed with this key."""


@dataclass(frozen=True)
class Key:
    secret: bytes

    @classmethod
    def parsed(cls, text: str) -> Self:
        return cls(base64.urlsafe_b64decode(text))

    @property
    def id(self) -> str:
        """Names the key without telling anything of it."""
        return hashlib.sha256(b"noctis backup key\0" + self.secret).hexdigest()[:16]

    def cipher(self, salt: bytes) -> AESGCM:
        derived = HKDF(hashes.SHA256(), 32, salt, b"noctis backup file").derive(self.secret)
        return AESGCM(derived)


class Plain:
    """Writes bytes as they come, and hashes the file on its way."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self.size_bytes += len(data)

    def finish(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


class Sealed(Plain):
    """The same, encrypted; whoever reads it notices a missing end."""

    def __init__(self, file: IO[bytes], key: Key) -> None:
        super().__init__(file)
        salt = os.urandom(SALT)
        self._header = MAGIC + bytes.fromhex(key.id) + salt
        self._cipher = key.cipher(salt)
        self._count = 0
        self._waiting = bytearray()
        super().write(self._header)

    def write(self, data: bytes) -> None:
        self._waiting += data
        while len(self._waiting) > CHUNK:
            self._seal(bytes(self._waiting[:CHUNK]), is_last=False)
            del self._waiting[:CHUNK]

    def finish(self) -> None:
        self._seal(bytes(self._waiting), is_last=True)
        super().finish()

    def _seal(self, chunk: bytes, *, is_last: bool) -> None:
        nonce = _nonce(self._count, is_last=is_last)
        super().write(self._cipher.encrypt(nonce, chunk, self._header))
        self._count += 1


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Read a file in pieces."""
    while chunk := file.read(CHUNK):
        yield chunk


def opened(*, file: IO[bytes], key: Key) -> Iterator[bytes]:
    """Read the plain bytes; none that was not sealed with this key, in this place."""
    header = file.read(len(MAGIC) + len(key.id) // 2 + SALT)
    if not header.startswith(MAGIC + bytes.fromhex(key.id)):
        raise Unsealable("it does not begin as a file that was encrypted with this key")
    cipher = key.cipher(header[-SALT:])
    chunk, count = file.read(CHUNK + TAG), 0
    while True:
        following = file.read(CHUNK + TAG)
        nonce = _nonce(count, is_last=not following)
        try:
            yield cipher.decrypt(nonce, chunk, header)
        except InvalidTag:
            raise Unsealable(f"chunk {count} is not what was written") from None
        if not following:
            return
        chunk, count = following, count + 1


def _nonce(count: int, *, is_last: bool) -> bytes:
    return count.to_bytes(11, "big") + bytes([is_last])
