"""The rules of docs/system-design.md that a machine can check; each is shown to see its offence."""

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pytest
from django.apps import apps
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandParser
from django.db import models
from django.test.utils import isolate_apps

from noctis.commands import NoctisCommand, VerbCommand
from noctis.db.constraints import CompositeForeignKey, unique_sets
from tenants.models import Owned, ServiceClient
from tests import source_rules
from tests.source_rules import Module, Offence
from tests.source_tree import FILES, MODULES, REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
OUR_APPS = [app for app in apps.get_app_configs() if Path(app.path).parent == REPOSITORY]
LONGEST_DECISION = 60
Rule = Callable[[Module], Iterator[Offence]]


# Each rule with a file that breaks it.
RULES: list[tuple[Rule, str, str]] = [
    (source_rules.a_module_is_small, "tenants/big.py", "x = 1\n" * 301),
    (source_rules.a_module_is_small, "tests/test_big.py", "x = 1\n" * 401),
    (source_rules.a_function_is_short, "a.py", "def f():\n" + "    x = 1\n" * 40),
    (
        source_rules.an_edge_finds_parses_calls_answers,
        "tenants/api.py",
        "class Clients:\n    def list(self):\n" + "        x = 1\n" * 15,
    ),
    (
        source_rules.an_edge_finds_parses_calls_answers,
        "tenants/tasks.py",
        "@shared_task(retry_backoff=True)\ndef sweep():\n" + "    x = 1\n" * 15,
    ),
    (source_rules.a_module_says_what_it_is_for, "a.py", "x = 1\n"),
    (source_rules.a_module_says_what_it_is_for, "a.py", '"""One\n\ntwo\nthree\nfour."""\n'),
    (source_rules.nothing_is_left_for_later, "a.py", "x = 1  # TO" + "DO: later\n"),
    (source_rules.a_silenced_checker_has_a_reason, "a.py", "x = 1  # no" + "qa\n"),
    (source_rules.a_silenced_checker_has_a_reason, "a.py", "x = 1  # no" + "qa: E501\n"),
    (source_rules.a_silenced_checker_has_a_reason, "a.py", "x = 1  # type: " + "ignore\n"),
    (source_rules.a_silenced_checker_has_a_reason, "a.py", "x = 1  # type: " + "ignore[misc]\n"),
    (source_rules.a_name_says_what_it_is, "tenants/utils.py", ""),
    (source_rules.a_name_says_what_it_is, "tenants/helpers/keys.py", ""),
    (source_rules.a_name_says_what_it_is, "a.py", "class KeyManager: ...\n"),
    (source_rules.no_signals, "a.py", "from django.db.models.signals import post_save\n"),
    (source_rules.no_signals, "a.py", "from django.db.models import signals\n"),
    (source_rules.no_signals, "a.py", "from django.dispatch import receiver\n"),
    (source_rules.no_logic_in_save, "a.py", "class Night:\n    def save(self): ...\n"),
    (source_rules.no_logic_in_save, "a.py", "class NightAdmin:\n    def save_model(self): ...\n"),
    (source_rules.imports_stand_at_the_top, "a.py", "def f():\n    import json\n"),
    (
        source_rules.no_exception_is_swallowed,
        "a.py",
        "try:\n    f()\nexcept Exception:\n    pass\n",
    ),
    (source_rules.no_exception_is_swallowed, "a.py", "try:\n    f()\nexcept:\n    log()\n"),
    (
        source_rules.no_exception_is_swallowed,
        "a.py",
        "try:\n    f()\nexcept (OSError, Exception):\n    log()\n",
    ),
    (source_rules.no_exception_is_swallowed, "a.py", "with suppress(Exception):\n    f()\n"),
    (
        source_rules.a_docstring_lists_no_parameters,
        "a.py",
        'def f(x):\n    """Do.\n\n    :param x: it\n    """\n',
    ),
    (
        source_rules.a_docstring_lists_no_parameters,
        "a.py",
        'def f(x):\n    """Do.\n\n    Args:\n        x: it\n    """\n',
    ),
    (source_rules.a_public_service_says_what_it_does, "x/services.py", "def close(*, n): ...\n"),
    (
        source_rules.a_public_service_says_what_it_does,
        "x/services/nights.py",
        'def close(*, n):\n    """Closes a night."""\n',
    ),
    (
        source_rules.a_public_service_takes_keywords_only,
        "x/services/nights.py",
        'def close(night):\n    """Close a night."""\n    night.save()\n',
    ),
    (
        source_rules.a_public_service_takes_keywords_only,
        "x/services.py",
        'def end_of(night, at):\n    """Say when."""\n',
    ),
    (
        source_rules.nothing_of_ours_is_mocked,
        "tests/test_a.py",
        "from unittest.mock import patch\n",
    ),
    (source_rules.nothing_of_ours_is_mocked, "tests/test_a.py", "from unittest import mock\n"),
    (source_rules.a_test_is_a_sentence, "tests/test_a.py", "def test_close(): ...\n"),
    (source_rules.nothing_names_this_machine, "a.py", "x = '/ho" + "me/ada/noctis'\n"),
    (source_rules.nothing_names_this_machine, "a.py", "x = '--extra-index-" + "url'\n"),
]


@pytest.mark.parametrize("rule", dict.fromkeys(row[0] for row in RULES), ids=lambda r: r.__name__)
def test_the_code_keeps_the_rule(rule: Rule) -> None:
    offences = [
        f"{module.path}:{line}: {what}" for module in MODULES for line, what in rule(module)
    ]

    assert not offences, "\n" + "\n".join(offences)


@pytest.mark.parametrize(
    ("rule", "path", "text"), RULES, ids=[f"{r[0].__name__}{n}" for n, r in enumerate(RULES)]
)
def test_the_rule_sees_an_offence(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Module(PurePosixPath(path), text)))


def test_every_rule_is_applied() -> None:
    written = {
        name
        for name, value in vars(source_rules).items()
        if getattr(value, "__annotations__", {}).get("module") is Module and name[0] != "_"
    }

    assert written == {rule.__name__ for rule, _, _ in RULES}


def test_no_file_names_a_folder_or_package_index_of_one_machine() -> None:
    offences = []
    for path in FILES:
        text = (REPOSITORY / path).read_bytes().decode("utf-8", errors="replace")
        offences += [f"{path}:{line}: {what}" for line, what in source_rules.machine_names(text)]
        if str(REPOSITORY) in text:
            offences.append(f"{path}: names the folder of this checkout")

    assert not offences, "\n".join(offences)


def test_ruff_still_bounds_complexity_parameters_and_broad_excepts() -> None:
    lint = PROJECT["tool"]["ruff"]["lint"]

    assert lint["mccabe"]["max-complexity"] <= 8
    assert lint["pylint"]["max-args"] <= 6
    assert {"C90", "PLR0913", "BLE", "PLC0415", "ANN"} <= set(lint["select"])


def house_layers() -> list[set[str]]:
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    house = next(contract for contract in contracts if contract["id"] == "house")
    return [{name.strip(" \n()") for name in layer.split(":")} for layer in house["layers"]]


def test_every_module_of_noctis_is_wiring_or_a_foundation() -> None:
    found = {
        f"noctis.{path.parts[1].removesuffix('.py')}"
        for path in FILES
        if path.parts[0] == "noctis" and path.suffix == ".py" and path.parts[1] != "__init__.py"
    }

    layers = house_layers()

    assert found <= layers[0] | layers[-1], "name it in pyproject.toml, contract 'house'"


def test_every_app_has_its_place_among_the_layers() -> None:
    wanted = {app.name for app in OUR_APPS if app.name != "noctis"}
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    contained = {name for contract in contracts for name in contract.get("containers", [])}

    assert wanted <= set(PROJECT["tool"]["importlinter"]["root_packages"])
    assert wanted <= set().union(*house_layers())
    assert wanted <= contained


def test_every_room_is_on_the_map() -> None:
    design = (REPOSITORY / "docs/system-design.md").read_text()
    rooms = {path.parts[0] for path in FILES if len(path.parts) > 1 and path.parts[0][0] != "."}

    unnamed = [room for room in sorted(rooms) if f"`{room}/`" not in design]

    assert not unnamed, f"docs/system-design.md, 'Rooms': {unnamed}"


@pytest.mark.parametrize("path", [f for f in FILES if f.suffix == ".md"], ids=str)
def test_links_between_documents_lead_somewhere(path: PurePosixPath) -> None:
    folder = (REPOSITORY / path).parent
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (REPOSITORY / path).read_text())

    broken = [link for link in links if not (folder / link).exists()]

    assert not broken


def test_decisions_are_numbered_once_and_fit_a_page() -> None:
    decisions = sorted(f for f in FILES if f.parent == PurePosixPath("docs/adr"))

    lengths = {f.name: (REPOSITORY / f).read_text().count("\n") for f in decisions}

    assert [f.name[:4] for f in decisions] == [f"{n:04}" for n in range(1, len(decisions) + 1)]
    assert all(length <= LONGEST_DECISION for length in lengths.values()), lengths


def without_json(command: BaseCommand) -> list[str]:
    """The command and its verbs that cannot answer in JSON."""
    if not isinstance(command, NoctisCommand):
        return ["itself"]
    verbs = list(command.verbs) if isinstance(command, VerbCommand) else [""]
    return [verb or "itself" for verb in verbs if not _takes_json(command, verb)]


def _takes_json(command: NoctisCommand, verb: str) -> bool:
    parser: CommandParser = command.create_parser("manage.py", "command")
    for action in parser._subparsers._group_actions if verb and parser._subparsers else []:
        parser = action.choices[verb]  # type: ignore[index]  # argparse names no type for these
    return "--json" in parser._option_string_actions


def our_commands() -> dict[str, str]:
    ours = {app.name for app in OUR_APPS}
    return {name: app for name, app in get_commands().items() if app in ours}


@pytest.mark.parametrize(("name", "app"), our_commands().items())
def test_every_command_answers_in_json(name: str, app: str) -> None:
    assert not without_json(load_command_class(app, name)), f"{name} lacks --json"


def test_a_command_without_json_is_seen() -> None:
    class Mute(VerbCommand):
        verbs = {"speak": "say it"}

        def add_arguments(self, parser: CommandParser) -> None:
            parser.add_subparsers(dest="verb").add_parser("speak")

    assert without_json(Mute()) == ["speak"]
    assert without_json(BaseCommand()) == ["itself"]


def loose_references(model: type[models.Model]) -> list[str]:
    """The foreign keys to owned rows that would accept a row of another tenant."""
    held = {
        (frozenset(constraint.fields), constraint.to.lower())
        for constraint in model._meta.constraints
        if isinstance(constraint, CompositeForeignKey)
    }
    return [
        field.name
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and issubclass(field.related_model, Owned)
        if (frozenset(("tenant", field.name)), field.related_model._meta.label_lower) not in held
        or frozenset(("tenant", "id")) not in unique_sets(field.related_model)
    ]


@pytest.mark.parametrize(
    "model", [m for m in apps.get_models() if issubclass(m, Owned)], ids=lambda m: m.__name__
)
def test_an_owned_row_refers_to_rows_of_its_own_tenant(model: type[models.Model]) -> None:
    assert not loose_references(model), "add a CompositeForeignKey and the target's UNIQUE"


@isolate_apps("tests")
def test_a_reference_into_another_tenant_is_seen() -> None:
    class Night(Owned):
        client = models.ForeignKey(ServiceClient, models.CASCADE, db_constraint=False)

        class Meta:
            app_label = "tests"

    assert loose_references(Night) == ["client"]
