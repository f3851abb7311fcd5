"""The base of `manage.py` commands: verbs, one-line failures, tables for people or JSON."""

import logging
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from noctis import errors

Row = Mapping[str, Any]


class NoctisCommand(BaseCommand):
    """Subclasses implement `run` and answer rows; `--json` prints them as they are."""

    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        with quiet(options["verbosity"] <= 1):
            answer = self._answered(options)
        if options["json"]:
            self.show_json(answer)
        else:
            self.show(answer)

    def _answered(self, options: Mapping[str, Any]) -> Row | Sequence[Row]:
        try:
            return self.run(options)
        except errors.Refusal as refusal:
            raise CommandError(_one_line(refusal)) from None
        except OperationalError as error:
            raise CommandError(f"db_error: {str(error).strip().splitlines()[0]}") from None
        except OSError as error:
            raise CommandError(f"os_error: {error}") from error

    def show_json(self, answer: Row | Sequence[Row]) -> None:
        self.stdout.write(msgspec.json.encode(answer).decode())

    def run(self, options: Mapping[str, Any]) -> Row | Sequence[Row]:
        raise NotImplementedError("a command answers rows")

    def show(self, answer: Row | Sequence[Row]) -> None:
        rows = [answer] if isinstance(answer, Mapping) else list(answer)
        if not rows:
            self.stdout.write("Nothing yet.")
        elif isinstance(answer, Mapping):
            self._show_pairs(answer)
        else:
            self._show_table(rows)

    def _show_pairs(self, row: Row) -> None:
        width = max(map(len, row))
        for name, value in row.items():
            self.stdout.write(f"{name.ljust(width)}  {_text(value)}")

    def _show_table(self, rows: list[Row]) -> None:
        names = list(rows[0])
        cells = [names, *([_text(row[name]) for name in names] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for line in cells:
            padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            self.stdout.write("  ".join(padded).rstrip())


class VerbCommand(NoctisCommand):
    """A command with verbs: `client create`, `client rotate`; each verb is a method of its name."""

    verbs: Mapping[str, str] = {}

    def add_arguments(self, parser: ArgumentParser) -> None:
        subparsers = parser.add_subparsers(dest="verb", required=True, metavar="verb")
        for verb, summary in self.verbs.items():
            verb_parser = subparsers.add_parser(verb, help=summary, description=summary)
            super().add_arguments(verb_parser)
            self.add_verb_arguments(verb, verb_parser)

    def add_verb_arguments(self, verb: str, parser: ArgumentParser) -> None:
        """Add what only this verb takes."""

    def run(self, options: Mapping[str, Any]) -> Row | Sequence[Row]:
        answer: Row | Sequence[Row] = getattr(self, options["verb"])(options)
        return answer


@contextmanager
def quiet(is_wanted: bool) -> Iterator[None]:
    """People read a command's answer, not its log; warnings still get through."""
    root = logging.getLogger()
    before = root.level
    if is_wanted:
        root.setLevel(max(before, logging.WARNING))
    try:
        yield
    finally:
        root.setLevel(before)


def _text(value: Any) -> str:
    return "-" if value is None or value == "" else str(value)


def _one_line(refusal: errors.Refusal) -> str:
    problems = "; ".join(_problem(problem) for problem in refusal.problems)
    return f"{refusal.row.code}: {problems or refusal.detail}"


def _problem(problem: errors.Problem) -> str:
    place = problem.pointer.strip("/")
    return f"{place}: {problem.detail}" if place else problem.detail
