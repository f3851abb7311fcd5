"""A connection's mode takes effect when it is read or written, and no earlier."""

import os
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gunicorn.util import close_graceful

from noctis.sockets import MOST_JOINED, Patient

SOON_S = 0.05


@pytest.fixture
def ends() -> Iterator[tuple[Patient, socket.socket]]:
    one, other = socket.socketpair()
    mine = Patient.of(one)
    yield mine, other
    mine.close()
    other.close()


def test_it_is_the_same_connection(ends: tuple[Patient, socket.socket]) -> None:
    mine, other = ends

    mine.sendall(b"asked")
    other.sendall(b"answered")

    assert (other.recv(10), mine.recv(10)) == (b"asked", b"answered")


def test_a_plain_one_has_it_no_longer() -> None:
    plain, other = socket.socketpair()

    with other, Patient.of(plain):
        assert plain.fileno() == -1


def test_who_is_told_to_wait_waits_as_long_as_that(ends: tuple[Patient, socket.socket]) -> None:
    mine, _ = ends
    mine.settimeout(SOON_S)
    started = time.monotonic()

    with pytest.raises(TimeoutError):
        mine.recv(1)

    assert time.monotonic() - started >= SOON_S


@pytest.mark.parametrize(("told", "then"), [(0.0, None), (10.0, None), (10.0, 10.0)])
def test_who_is_not_to_wait_does_not(
    ends: tuple[Patient, socket.socket], told: float, then: float | None
) -> None:
    mine, other = ends
    other.sendall(b"first")
    mine.settimeout(told)
    mine.recv(10)  # from here on it has that mode
    mine.settimeout(then)
    started = time.monotonic()

    with pytest.raises(BlockingIOError):
        mine.recv(1, socket.MSG_DONTWAIT)
    with pytest.raises(BlockingIOError):
        mine.recv_into(bytearray(1), 0, socket.MSG_DONTWAIT)

    assert time.monotonic() - started < 5


def test_who_no_longer_waits_is_told_at_once(ends: tuple[Patient, socket.socket]) -> None:
    mine, _ = ends
    mine.setblocking(False)

    with pytest.raises(BlockingIOError):
        mine.recv(1)
    with pytest.raises(BlockingIOError):
        mine.recv_into(bytearray(1))


def test_an_answer_that_nobody_reads_is_given_up_in_time(
    ends: tuple[Patient, socket.socket],
) -> None:
    mine, _ = ends
    mine.settimeout(SOON_S)

    with pytest.raises(TimeoutError):
        mine.sendall(bytes(10_000_000))


def test_what_it_is_told_changes_nothing_until_it_reads(
    ends: tuple[Patient, socket.socket],
) -> None:
    mine, other = ends

    mine.settimeout(10)
    assert (mine.gettimeout(), os.get_blocking(mine.fileno())) == (10, True)
    mine.setblocking(True)
    assert (mine.gettimeout(), os.get_blocking(mine.fileno())) == (None, True)
    mine.setblocking(False)
    other.sendall(b"x")
    mine.recv(1)

    assert (mine.gettimeout(), os.get_blocking(mine.fileno())) == (0.0, False)


def test_it_knows_whether_anything_has_come(ends: tuple[Patient, socket.socket]) -> None:
    mine, other = ends

    assert not mine.has_come(SOON_S)
    other.sendall(b"x")
    assert mine.has_come(0)
    mine.recv(1)
    assert not mine.has_come(0)
    other.close()
    assert mine.has_come(0)


def test_a_head_goes_with_its_body_and_the_rest_at_once(
    ends: tuple[Patient, socket.socket],
) -> None:
    mine, other = ends

    with mine.joined():
        mine.sendall(b"head ")
        assert not has_anything(other)
        mine.sendall(b"body ")
        assert other.recv(100) == b"head body "
        mine.sendall(b"more")
        assert other.recv(100) == b"more"


def test_a_head_without_a_body_goes_at_the_end_whatever_happens(
    ends: tuple[Patient, socket.socket],
) -> None:
    mine, other = ends

    def break_off() -> None:
        with mine.joined():
            mine.sendall(b"head")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()

    assert other.recv(100) == b"head"
    mine.sendall(b"next")
    assert other.recv(100) == b"next"


def test_a_large_body_and_a_file_come_after_their_head(
    ends: tuple[Patient, socket.socket], tmp_path: Path
) -> None:
    mine, other = ends
    (tmp_path / "body").write_bytes(b"file")

    with mine.joined(), (tmp_path / "body").open("rb") as file:
        mine.sendall(b"head ")
        mine.sendfile(file)
    with mine.joined():
        mine.sendall(b" head ")
        mine.sendall(b"." * (MOST_JOINED + 1))

    wanted = b"head file head " + b"." * (MOST_JOINED + 1)
    assert other.recv(len(wanted), socket.MSG_WAITALL) == wanted


def test_who_ends_an_answer_has_sent_its_head(ends: tuple[Patient, socket.socket]) -> None:
    mine, other = ends
    other.shutdown(socket.SHUT_WR)

    with mine.joined():
        mine.sendall(b"head")
        close_graceful(mine)  # as gunicorn does where an answer breaks off

    assert other.recv(100) == b"head"


def test_what_is_sent_ahead_of_an_answer_does_not_wait(
    ends: tuple[Patient, socket.socket],
) -> None:
    mine, other = ends

    with mine.joined():
        mine.send(b"continue")
        mine.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        assert other.recv(100) == b"continueHTTP/1.1 103 Early Hints\r\n\r\n"
        mine.sendall(b"head")
        assert not has_anything(other)


def has_anything(end: socket.socket) -> bool:
    return bool(select.select([end], [], [], 0)[0])
