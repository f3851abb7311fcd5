"""What a program says is kept, and does not grow without end."""

from pathlib import Path

from noctis.launch.programs import LARGEST_LOG, open_log


def test_a_log_is_private_and_continued(tmp_path: Path) -> None:
    path = tmp_path / "web.log"

    for line in (b"one\n", b"two\n"):
        with open_log(path) as log:
            log.write(line)

    assert path.read_bytes() == b"one\ntwo\n"
    assert path.stat().st_mode & 0o077 == 0


def test_a_large_log_is_moved_aside_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "web.log"
    with open(path, "wb") as file:
        file.truncate(LARGEST_LOG + 1)

    open_log(path).close()

    assert path.stat().st_size == 0
    assert (tmp_path / "web.log.1").stat().st_size == LARGEST_LOG + 1
