"""`manage.py integrity`: audit the stored data now. Ends with 1 where a fault was found."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from noctis.commands import NoctisCommand, Row
from operations.services import audits


class DataFault(SystemExit):
    """Found something: the command ends with 1 after it has told what."""


class Command(NoctisCommand):
    help = "Check that the stored data is what it must be."
    has_fault = False

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if self.has_fault:
            raise DataFault(1)

    def run(self, options: Mapping[str, Any]) -> Row | Sequence[Row]:
        found = audits.run(at=timezone.now())
        self.has_fault = any(one.count and one.check.is_fault for one in found)
        return [
            {
                "check": one.check.name,
                "found": "not done in time" if one.count is None else one.count,
                "must be": one.check.says,
                "examples": "; ".join(one.examples),
            }
            for one in found
        ]
