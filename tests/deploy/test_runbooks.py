"""What a runbook tells somebody to type or to look for, is there: commands, settings, names."""

import re

import pytest
from django.core.management import get_commands, load_command_class

from noctis.environment import SETTINGS
from tests.source_tree import REPOSITORY

RUNBOOKS = (REPOSITORY / "docs" / "operations.md").read_text()
APPS = ("noctis", "tenants", "devices", "recordings", "inference", "mlops", "operations")
SOURCE = "\n".join(
    path.read_text() for app in APPS for path in sorted((REPOSITORY / app).rglob("*.py"))
)
# Of PostgreSQL.
OTHERS = {"pg_isready"}
# Put together of the dependency's name and what became of it: noctis/db/circuit.py.
COMPOSED = {"db_circuit_opened": "_circuit_opened"}


def named(pattern: str) -> list[str]:
    return sorted(set(re.findall(pattern, RUNBOOKS)))


@pytest.mark.parametrize("command", named(r"manage\.py ([a-z_]+)"))
def test_a_command_is_there(command: str) -> None:
    assert command in get_commands()


@pytest.mark.parametrize("typed", named(r"`manage\.py ([a-z_]+ [a-z]+ --[^`]+)`"))
def test_a_command_takes_what_it_is_given(typed: str) -> None:
    name, *words = typed.split()
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)

    assert parser.parse_args(words)


@pytest.mark.parametrize("variable", named(r"`([A-Z]+(?:_[A-Z]+)+)`"))
def test_a_setting_is_there(variable: str) -> None:
    assert variable in {setting.name for setting in SETTINGS}


@pytest.mark.parametrize("word", named(r"`([a-z]+(?:_[a-z]+)+)[`({]"))
def test_a_name_is_one_that_the_platform_uses(word: str) -> None:
    assert word in OTHERS or COMPOSED.get(word, word).removesuffix("_total") in SOURCE
