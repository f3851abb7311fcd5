"""A setting as it is declared, and as it was read."""

from collections.abc import Callable
from dataclasses import dataclass

from noctis.kinds import Value


@dataclass(frozen=True)
class Setting:
    name: str
    default: Value
    kind: Callable[[str], Value]
    doc: str
    secret: bool = False


@dataclass(frozen=True)
class Reading:
    setting: Setting
    value: Value
    source: str

    @property
    def shown(self) -> Value:
        """The value as an operator may see it: a secret is only said to be there."""
        return "********" if self.setting.secret and self.value else self.value
