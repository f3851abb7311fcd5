"""The address that the web server may have: loopback only, and free."""

import errno
import ipaddress
import secrets
import socket

from noctis.embedded import EmbeddedError

LOOPBACK = "127.0.0.1"
# Below the ports that the kernel gives to those who call.
FIRST, BESIDE = 10_000, 20_000


def require_loopback(host: str) -> None:
    """The demo has a printed password and no TLS: it must not be reachable from elsewhere."""
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise EmbeddedError(f"the demo binds loopback only, not {host}: unset HOST")


def require_free(host: str, port: int) -> None:
    if not 1 <= port <= 65_535:
        raise EmbeddedError(f"{port} is not a port: PORT={free_port(host)} make demo")
    try:
        bind(host, port)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = "is taken" if taken else f"cannot be used ({error.strerror})"
        raise EmbeddedError(f"port {port} {why}: PORT={free_port(host)} make demo") from error


def free_port(host: str = LOOPBACK, first: int = 8001) -> int:
    """The first free port from there on, so that the printed command stays easy to type."""
    for port in range(first, first + 100):
        try:
            return bind(host, port)
        except OSError:
            continue
    return bind(host, 0)


def unasked_port() -> int:
    """A free port that somebody else who looks at this moment is hardly given too."""
    return free_port(first=FIRST + secrets.randbelow(BESIDE))


def bind(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        return int(probe.getsockname()[1])
