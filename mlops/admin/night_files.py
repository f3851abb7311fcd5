"""A staged night to take away: the files of the API, for whoever is signed in here."""

from collections.abc import Callable

from django.http import HttpResponse

from inference import sheets
from inference.bodies import hypnograms as bodies
from inference.models import Hypnogram
from noctis.http import JSONRenderer
from recordings.models import Recording

File = tuple[str, str | bytes]


def _csv(recording: Recording, row: Hypnogram) -> File:
    return "text/csv; charset=utf-8", sheets.csv(bodies.sheet(recording, row))


def _edf(recording: Recording, row: Hypnogram) -> File:
    return "application/edf", sheets.edf(bodies.sheet(recording, row))


def _json(recording: Recording, row: Hypnogram) -> File:
    return "application/json", JSONRenderer().render(bodies.hypnogram(recording, row))


# By the ending of the file's name.
FORMS: dict[str, Callable[[Recording, Hypnogram], File]] = {
    "csv": _csv,
    "edf": _edf,
    "json": _json,
}


def answer(recording: Recording, row: Hypnogram, form: str) -> HttpResponse:
    """The file, named by the night."""
    kind, content = FORMS[form](recording, row)
    response = HttpResponse(content, content_type=kind)
    name = f"{bodies.sheet(recording, row).name}.{form}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
