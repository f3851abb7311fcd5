"""`manage.py config`: every setting with its value and source; secrets are masked."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from noctis.commands import NoctisCommand, Row
from noctis.environment import Reading


class Command(NoctisCommand):
    help = "Every setting with its value and where it comes from; secrets are masked."

    def run(self, options: Mapping[str, Any]) -> Sequence[Row]:
        return [_shown(reading) for reading in settings.READINGS.values()]


def _shown(reading: Reading) -> Row:
    name, value, source = reading.setting.name, reading.shown, reading.source
    if value in (None, ()) and name in settings.DERIVED:
        source = settings.DERIVED[name]
        value = "********" if reading.setting.secret else getattr(settings, name)
    return {"setting": name, "value": _text(value), "source": source}


def _text(value: Any) -> Any:
    return ",".join(value) if isinstance(value, tuple | list) else value
