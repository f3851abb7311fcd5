"""`manage.py monitor`: how every part is, also where the web cannot answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from noctis.commands import NoctisCommand, Row
from operations.bodies import monitoring as bodies
from operations.services import monitoring


class Command(NoctisCommand):
    help = "Tell how every part of the platform is."

    def run(self, options: Mapping[str, Any]) -> Row | Sequence[Row]:
        found = monitoring.summary(at=timezone.now())
        if options["json"]:
            return bodies.summary(found)
        return [
            {
                "part": part.name,
                "state": part.state,
                "facts": ", ".join(f"{name} {bodies.told(v)}" for name, v in part.facts.items()),
            }
            for part in found.parts
        ]
