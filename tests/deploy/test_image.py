"""The Dockerfile: what is in the image, what runs in it, and as whom."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from noctis import environment
from noctis.launch import web
from tests.deploy import dockerfile
from tests.source_tree import REPOSITORY

BUILD, FINAL = dockerfile.stages((REPOSITORY / "Dockerfile").read_text())


def test_both_stages_stand_on_one_pinned_slim_image() -> None:
    assert BUILD.base == FINAL.base
    assert re.fullmatch(r"python:3\.1[123]\.\d+-slim-[a-z]+", FINAL.base)


def test_packages_are_installed_by_the_script_that_checks_every_hash() -> None:
    script = (REPOSITORY / "deploy" / "install.sh").read_text()

    assert any(
        step.text.startswith("sh deploy/install.sh requirements.lock") for step in BUILD.steps
    )
    assert "--require-hashes" in script


def test_what_builds_does_not_stay() -> None:
    installed = next(step.text for step in BUILD.steps if "install.sh requirements" in step.text)

    assert "pip uninstall --quiet --yes setuptools pip" in installed
    assert [step.text for step in FINAL.steps if step.word == "COPY"] == ["--from=build /app /app"]


def test_it_runs_as_a_number_that_is_not_root() -> None:
    words = [step.word for step in FINAL.steps]

    assert FINAL.only("USER").text == "10001:10001"
    assert words.index("USER") > words.index("COPY")


def test_its_variables_are_settings() -> None:
    known = {setting.name for setting in environment.SETTINGS}
    of_python = {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}

    assert set(FINAL.environment()) - known == of_python
    assert FINAL.environment()["NOCTIS_ENV"] == "production"


def test_it_serves_as_the_demo_does_and_asks_itself_how_it_is() -> None:
    command = FINAL.only("CMD").argv
    port = FINAL.environment()["PORT"]

    assert command == ["gunicorn", *web.gunicorn()[3:]]
    assert f"http://127.0.0.1:{port}/healthz" in FINAL.only("HEALTHCHECK").argv[-1]


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("context")
    dockerfile.copy_context(folder)
    return folder


def test_no_secret_no_data_and_no_test_gets_in(context: Path) -> None:
    inside = {path.name for path in context.iterdir()}

    assert not inside & {"var", ".env", ".git", ".venv", "tests", "bench", "docs", "firmware"}
    assert not list(context.rglob("__pycache__"))


def test_every_package_of_the_platform_gets_in(context: Path) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())

    assert all(
        (context / name).is_dir() for name in project["tool"]["importlinter"]["root_packages"]
    )


def test_what_gets_in_is_enough_to_start(context: Path, tmp_path: Path) -> None:
    """The checks load every app, template and route from that folder alone."""
    environ = {name: text for name, text in os.environ.items() if not name.endswith("_DIR")}
    found = subprocess.run(
        [sys.executable, "-PB", "manage.py", "check", "--fail-level", "WARNING"],
        cwd=context,
        env=environ | {"PYTHONPATH": str(context), "NOCTIS_VAR_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert found.returncode == 0, found.stderr
