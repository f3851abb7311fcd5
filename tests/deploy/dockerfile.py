"""Reads the Dockerfile and .dockerignore as far as ours go. Pure but for copying files."""

import json
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.source_tree import REPOSITORY

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NEVER = shutil.ignore_patterns("__pycache__", "*.pyc")


@dataclass(frozen=True)
class Step:
    word: str
    text: str

    @property
    def argv(self) -> list[str]:
        """The JSON form of CMD; of HEALTHCHECK what follows its own CMD."""
        return json.loads(self.text[self.text.index("[") :])


@dataclass
class Stage:
    base: str
    name: str
    steps: list[Step] = field(default_factory=list)

    def only(self, word: str) -> Step:
        (found,) = (step for step in self.steps if step.word == word)
        return found

    def environment(self) -> dict[str, str]:
        lines = (step.text for step in self.steps if step.word == "ENV")
        pairs = (pair.split("=", 1) for line in lines for pair in shlex.split(line))
        return {name: value.replace("$PATH", PATH) for name, value in pairs}


def stages(text: str) -> list[Stage]:
    arguments: dict[str, str] = {}
    found: list[Stage] = []
    for step in _steps(text):
        if step.word == "ARG" and not found:
            name, _, value = step.text.partition("=")
            arguments[f"${{{name}}}"] = value
        elif step.word == "FROM":
            base, _, name = step.text.partition(" AS ")
            found.append(Stage(arguments.get(base, base), name or "final"))
        else:
            found[-1].steps.append(step)
    return found


def _steps(text: str) -> Iterator[Step]:
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        if word:
            yield Step(word, " ".join(rest.split()))


def let_in() -> list[str]:
    """The paths that .dockerignore lets into the build; it shuts everything else out."""
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    if rules[0] != "*":
        raise ValueError(".dockerignore must shut everything out first")
    return [rule.removeprefix("!") for rule in rules if rule.startswith("!")]


def copy_context(folder: Path) -> None:
    """What `docker build` would see of the repository."""
    for name in let_in():
        source, target = REPOSITORY / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=NEVER, dirs_exist_ok=True)
        else:
            shutil.copy2(source, target)
