"""One table of settings: what it reads, and that its documents and the code agree with it."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from noctis import environment
from noctis.environment import BadSettings
from tests.source_tree import MODULES, REPOSITORY

START, END = "<!-- settings: generated -->\n", "<!-- settings: end -->"
WRITE_ANEW = "write it anew: python -m tests.noctis.test_environment"

# Who may look at the environment besides the settings: what runs before or beside Django.
READERS = {
    "deploy/gunicorn.conf.py": "all",
    "noctis/settings.py": "all",
    "noctis/embedded/home.py": {"NOCTIS_EMBEDDED_USER"},
    "noctis/metric_files.py": {"PROMETHEUS_MULTIPROC_DIR"},
    "noctis/celery.py": {"DJANGO_SETTINGS_MODULE"},
    "noctis/wsgi.py": {"DJANGO_SETTINGS_MODULE"},
    "noctis/__init__.py": {"OPENBLAS_NUM_THREADS"},
    "manage.py": {"DJANGO_SETTINGS_MODULE"},
}


def test_an_empty_environment_gives_the_defaults() -> None:
    readings = environment.read({})

    assert {r.value for r in readings.values() if r.setting.name == "PORT"} == {8000}
    assert {r.source for r in readings.values()} == {"default"}


def test_a_set_variable_wins_and_says_so() -> None:
    reading = environment.read({"PORT": " 8001 "})["PORT"]

    assert (reading.value, reading.source) == (8001, "environment")


def test_an_empty_variable_counts_as_not_set() -> None:
    reading = environment.read({"DATABASE_URL": "  "})["DATABASE_URL"]

    assert (reading.value, reading.source) == (None, "default")


def test_everything_unreadable_is_named_at_once() -> None:
    with pytest.raises(BadSettings) as raised:
        environment.read({"PORT": "http", "DEBUG": "maybe", "NOCTIS_ENV": "live"})

    assert all(name in str(raised.value) for name in ("PORT", "DEBUG", "NOCTIS_ENV"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", True), ("TRUE", True), ("yes", True), ("on", True), ("0", False), ("Off", False)],
)
def test_booleans_are_written_in_several_ways(text: str, expected: bool) -> None:
    assert environment.read({"DEBUG": text})["DEBUG"].value is expected


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(BadSettings, match="DB_POOL_SIZE"):
        environment.read({"DB_POOL_SIZE": "-1"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("WEB_CONCURRENCY", "0"),
        ("WEB_THREADS", "0"),
        ("JWT_MAX_TTL_SECONDS", "0"),
        ("KEY_CACHE_SECONDS", "0"),
        ("KEY_CACHE_SECONDS", "-1"),
        ("KEY_CACHE_SECONDS", "nan"),
        ("KEY_CACHE_SECONDS", "inf"),
        ("KEY_CACHE_SECONDS", "5.1"),
        ("DATABASE_URL", "mysql://noctis@db.example/noctis"),
        ("BACKUP_KEEP", "0"),
        ("BACKUP_ENCRYPTION_KEYS", "too-short"),
        ("BACKUP_ENCRYPTION_KEYS", f"{'A' * 43}=,{'A' * 42}=="),
        ("RATE_LIMITS", "read=5/day"),
        ("RATE_LIMITS", "raed=5/second"),
    ],
)
def test_what_the_platform_cannot_run_with_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(BadSettings, match=f"^{name}: "):
        environment.read({name: text})


def test_keys_of_backups_are_a_ring() -> None:
    ring = (f"{'A' * 43}=", f"{'B' * 42}A=")

    reading = environment.read({"BACKUP_ENCRYPTION_KEYS": ",".join(ring)})

    assert reading["BACKUP_ENCRYPTION_KEYS"].value == ring
    assert reading["BACKUP_ENCRYPTION_KEYS"].shown == "********"


def test_a_key_is_trusted_for_five_seconds_at_most() -> None:
    assert environment.read({"KEY_CACHE_SECONDS": "5"})["KEY_CACHE_SECONDS"].value == 5.0


def test_an_address_that_cannot_be_read_is_not_repeated() -> None:
    with pytest.raises(BadSettings) as raised:
        environment.read({"DATABASE_URL": "postgresql://noctis:hun/ter2@db.example/noctis"})

    assert "hun" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("DATABASE_URL", "mysql://noctis@db.example/noctis", "DATABASE_URL: expected postgresql"),
        ("RATE_LIMITS", "read=often", "RATE_LIMITS: cannot read 'read=often'"),
        ("NOCTIS_VAR_DIR", "/nonexistent/a/b", "cannot keep a secret in /nonexistent/a/b"),
    ],
)
def test_settings_that_cannot_be_used_end_the_start_in_one_line(
    name: str, text: str, told: str
) -> None:
    ended = import_settings({name: text})

    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"settings: {told}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as another user")
@pytest.mark.parametrize("user", ["nosuch", "root"])
def test_a_user_that_cannot_run_the_servers_ends_the_start_in_one_line(
    user: str, tmp_path: Path
) -> None:
    ended = import_settings({"NOCTIS_EMBEDDED_USER": user, "NOCTIS_VAR_DIR": str(tmp_path / "var")})

    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("settings: ")
    assert "NOCTIS_EMBEDDED_USER" in line


def import_settings(variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """With none of the settings that this run has, and nothing of theirs kept."""
    names = {row.name for row in environment.SETTINGS}
    kept = {name: value for name, value in os.environ.items() if name not in names}
    return subprocess.run(
        [sys.executable, "-c", "import noctis.settings"],
        env=kept | variables,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_lists_lose_blanks_and_empty_parts() -> None:
    reading = environment.read({"ALLOWED_HOSTS": " a.example, ,b.example,"})["ALLOWED_HOSTS"]

    assert reading.value == ("a.example", "b.example")


def test_a_secret_is_only_said_to_be_there() -> None:
    readings = environment.read({"SECRET_KEY": "hidden", "ENCRYPTION_KEYS": "a,b"})

    assert readings["SECRET_KEY"].shown == readings["ENCRYPTION_KEYS"].shown == "********"
    assert readings["DATABASE_URL"].shown is None


def test_whatever_carries_a_password_is_secret() -> None:
    secret = {row.name for row in environment.SETTINGS if row.secret}

    assert secret >= {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEYS"}


def test_the_settings_page_has_the_table() -> None:
    page = (REPOSITORY / "docs/settings.md").read_text()

    assert page == with_table(page), WRITE_ANEW


def test_the_example_has_every_setting_at_a_safe_value() -> None:
    text = (REPOSITORY / ".env.example").read_text()
    lines = [line.partition("=") for line in text.splitlines() if line and line[0] != "#"]

    readings = environment.read({name: value for name, _, value in lines})

    assert text == environment.example(), WRITE_ANEW
    assert [name for name, _, _ in lines] == [row.name for row in environment.SETTINGS]
    assert all(reading.value == reading.setting.default for reading in readings.values())


def names_read(tree: ast.Module) -> set[str | None]:
    """The variables that a module takes from the environment; None where it may take any."""
    named = {
        id(node.func.value): str(node.args[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args
        if isinstance(node.args[0], ast.Constant)
    }
    return {
        named.get(id(node))
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv"))
        or (isinstance(node, ast.alias) and node.name in ("environ", "getenv"))
    }


def test_nobody_else_reads_the_environment() -> None:
    offences = []
    for module in MODULES:
        allowed = READERS.get(str(module.path), set())
        if {"tests", "bench"} & set(module.path.parts) or allowed == "all":
            continue
        if str(module.path).startswith("noctis/launch/"):
            continue  # hands the environment on to the programs that it starts
        names = names_read(module.tree) - set(allowed)
        offences += [f"{module.path}: {name or 'anything'}" for name in names]

    assert not offences, (
        f"{offences}: use django.conf.settings; the table is in noctis/environment/"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("os.environ['PORT']", None),
        ("os.environ.get('PORT')", "PORT"),
        ("os.getenv('PORT')", None),
        ("from os import environ", None),
        ("dict(os.environ)", None),
        ("os.environ.get(name)", None),
    ],
)
def test_a_look_at_the_environment_is_seen(text: str, expected: str | None) -> None:
    assert names_read(ast.parse(text)) == {expected}


def with_table(page: str) -> str:
    before, _, rest = page.partition(START)
    return f"{before}{START}{environment.table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    settings_page = REPOSITORY / "docs/settings.md"
    settings_page.write_text(with_table(settings_page.read_text()))
    (REPOSITORY / ".env.example").write_text(environment.example())
