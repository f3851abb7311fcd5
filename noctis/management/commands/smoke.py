"""`manage.py smoke`: the main job on a temporary platform, through the front door."""

from typing import Any

from django.core.management.base import CommandError

from noctis.commands import NoctisCommand
from noctis.embedded import EmbeddedError
from noctis.launch import smoke
from noctis.launch.stranger import SmokeFailed


class Command(NoctisCommand):
    help = "Walk the main job on a temporary platform and say what happened."

    def handle(self, *args: Any, **options: Any) -> None:
        told: list[str] = []
        try:
            smoke.walk(told.append if options["json"] else self.stdout.write)
        except (SmokeFailed, EmbeddedError) as error:
            raise CommandError(f"smoke: {error}") from None
        if options["json"]:
            self.show_json({"steps": told})
