"""What apps above have to say before a version is validated or serves; this one never learns why.

Asked inside the transaction of the step itself, so that what they looked at is what changes."""

from collections.abc import Sequence
from typing import Protocol

from inference.models import ModelVersion
from inference.services.model_events import Decision


class Guard(Protocol):
    """Refuses a step, or names what is unmet and waived by the decision."""

    def __call__(
        self, *, row: ModelVersion, action: str, families: Sequence[str], decision: Decision
    ) -> Sequence[str]: ...


_guards: list[Guard] = []


def also_ask(*, guard: Guard) -> None:
    """Have another app asked before each validation and each promotion."""
    if guard not in _guards:
        _guards.append(guard)


def ask_guards(
    *, row: ModelVersion, action: str, families: Sequence[str], decision: Decision
) -> list[str]:
    """Pass every guard, or be refused by one: what was waived is named for the event."""
    return [
        name
        for guard in _guards
        for name in guard(row=row, action=action, families=families, decision=decision)
    ]
