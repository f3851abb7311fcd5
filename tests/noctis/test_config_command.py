"""`manage.py config` in processes of its own: every setting, its source, and no secret."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from noctis import environment

REPOSITORY = Path(__file__).resolve().parents[2]
MASK = "********"
PLANTED = {
    "DATABASE_URL": "postgresql://planted-user:planted-1@db.example/planted-2",
    "REDIS_URL": "redis://:planted-3@cache.example/0",
    "SECRET_KEY": "planted-4-" * 6,
    "ENCRYPTION_KEYS": "planted-5,planted-6",
    "BACKUP_ENCRYPTION_KEYS": "planted-7" * 4 + "planteA=",
    "ALLOWED_HOSTS": "noctis.example, www.noctis.example",
    "PORT": "8123",
}


def config(root: Path, *words: str, **environ: str) -> str:
    known = {
        name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ
    }
    known |= {name: text for name, text in os.environ.items() if name.startswith("COVERAGE_")}
    ended = subprocess.run(
        [sys.executable, "manage.py", "config", *words],
        cwd=REPOSITORY,
        env=known | {"NOCTIS_VAR_DIR": str(root / "var")} | environ,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def rows(root: Path, **environ: str) -> dict[str, tuple[object, str]]:
    said = json.loads(config(root, "--json", **environ))
    return {row["setting"]: (row["value"], row["source"]) for row in said}


@pytest.mark.parametrize("stage", ["development", "production"])
def test_every_setting_is_shown_and_no_planted_secret(tmp_path: Path, stage: str) -> None:
    said = config(tmp_path, NOCTIS_ENV=stage, **PLANTED)

    names = [line.split()[0] for line in said.splitlines()[1:]]
    assert names == [setting.name for setting in environment.SETTINGS]
    assert "planted" not in said
    assert "noctis.example,www.noctis.example" in said


def test_the_environment_is_named_as_the_source_of_what_it_sets(tmp_path: Path) -> None:
    found = rows(tmp_path, **PLANTED)

    secret = [setting.name for setting in environment.SETTINGS if setting.secret]
    assert {name: found[name] for name in secret} == dict.fromkeys(secret, (MASK, "environment"))
    assert found["PORT"] == (8123, "environment")
    assert found["WEB_THREADS"] == (4, "default")


def test_what_is_made_here_is_masked_and_says_where_it_is_kept(tmp_path: Path) -> None:
    found = rows(tmp_path)

    made = (tmp_path / "var" / "secrets" / "secret_key").read_text()
    assert made not in json.dumps(found)
    assert found["SECRET_KEY"] == found["ENCRYPTION_KEYS"] == (MASK, "kept under var")
    assert found["DATABASE_URL"] == found["REDIS_URL"] == (MASK, "embedded")
    assert found["SECOND_FACTOR_REQUIRED"] == (False, "development")
    assert found["ALLOWED_HOSTS"] == ("localhost,127.0.0.1,[::1],testserver", "development")


def test_production_shows_what_is_missing_and_is_strict_by_itself(tmp_path: Path) -> None:
    found = rows(tmp_path, NOCTIS_ENV="production")

    assert found["SECRET_KEY"] == found["DATABASE_URL"] == (None, "default")
    assert found["SECOND_FACTOR_REQUIRED"] == (True, "production")
    assert found["SECURE_COOKIES"] == (True, "production")
