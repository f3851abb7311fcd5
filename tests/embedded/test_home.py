"""Where an instance lives, and that nobody else's folder is ever taken for one's own."""

import os
import stat
from pathlib import Path

import pytest

from noctis.embedded import EmbeddedError, Home, Instance, addresses, local_secret
from noctis.embedded.home import LONGEST_SOCKET_PATH, make_private, sockets_folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_computing_a_home_and_its_addresses_starts_nothing(tmp_path: Path) -> None:
    found = addresses(tmp_path / "var")

    assert found == addresses(tmp_path / "var")
    assert sorted(path.name for path in (tmp_path / "var").rglob("*")) == ["postgres", "secrets"]


def test_two_checkouts_share_neither_state_nor_sockets(tmp_path: Path) -> None:
    one, other = Home.at(tmp_path / "one"), Home.at(tmp_path / "other")

    assert one.state != other.state
    assert one.sockets != other.sockets


def test_a_prepared_home_is_private_and_its_parent_is_left_alone(tmp_path: Path) -> None:
    parent = tmp_path / "checkout"
    parent.mkdir(mode=0o755)
    parent.chmod(0o755)

    home = Home.at(parent / "var")
    home.prepare()

    assert mode(parent) == 0o755
    assert mode(parent / "var") == 0o700
    assert {mode(folder) for folder in (parent / "var").iterdir()} == {0o700}
    Instance(home).reset()
    assert [path.name for path in home.root.iterdir()] == ["lock"]


def test_sockets_lie_beside_the_data_where_the_path_is_short() -> None:
    assert sockets_folder(Path("/srv/noctis/var"), Path("/r")) == Path("/srv/noctis/var/sockets")


@pytest.mark.parametrize(
    "state", ["/" + "deep/" * 30 + "var", "/with space/var", "/with,comma/var"]
)
def test_sockets_move_to_a_short_plain_path_where_the_data_has_none(state: str) -> None:
    found = sockets_folder(Path(state), Path(state))

    assert len(os.fsencode(found / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET_PATH
    assert str(os.geteuid()) in found.name


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's folder")
def test_a_folder_that_another_user_put_there_first_is_refused(tmp_path: Path) -> None:
    trap = tmp_path / "sockets"
    trap.mkdir()
    os.chown(trap, 65_534, 65_534)

    with pytest.raises(EmbeddedError, match="belongs to"):
        make_private(trap)


def test_a_link_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    target.chmod(0o755)
    (tmp_path / "sockets").symlink_to(target)

    with pytest.raises(EmbeddedError, match="is not a folder"):
        make_private(tmp_path / "sockets")


def test_an_unknown_servers_user_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOCTIS_EMBEDDED_USER", "nobody-by-this-name")
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    with pytest.raises(EmbeddedError, match="no user 'nobody-by-this-name'"):
        Home.at(tmp_path)


def test_the_servers_never_run_as_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOCTIS_EMBEDDED_USER", "root")
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    with pytest.raises(EmbeddedError, match="refuses root"):
        Home.at(tmp_path)


def test_a_secret_is_made_once_kept_private_and_differs_by_name(tmp_path: Path) -> None:
    first = local_secret(tmp_path, "one")

    assert local_secret(tmp_path, "one") == first
    assert local_secret(tmp_path, "two") != first
    assert len(first) == 50
    assert mode(tmp_path / "secrets" / "one") == 0o600
    assert sorted(path.name for path in (tmp_path / "secrets").iterdir()) == ["one", "two"]


def test_a_folder_that_cannot_be_made_is_one_line_with_the_fix(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")

    with pytest.raises(EmbeddedError, match="cannot keep a secret") as raised:
        local_secret(blocked / "var", "one")

    assert "\n" not in str(raised.value)
