"""Static files, served by the application itself; a proxy in front may take `/static/` over.

Serves what Django's finders list at start and nothing else: a path is looked up, never opened.
"""

import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import condition

from noctis.methods import read_only

FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "public, no-cache"


@cache
def files() -> dict[str, Path]:
    """Each name with its file; where two apps have the same name, the first finder wins."""
    found: dict[str, Path] = {}
    for finder in finders.get_finders():
        for name, storage in finder.list([".*", "*~"]):
            found.setdefault(name, Path(storage.path(name)))
    return found


def version(name: str) -> str | None:
    """A short digest of the file's content, None where there is no such file."""
    path = files().get(name)
    return _digest(path) if path else None


# By the file and not by the name that was asked for: strangers can make up names without end.
@cache
def _digest(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=6).hexdigest()


class VersionedFiles(StaticFilesStorage):
    """Adds the version to each address, so that a browser may keep the file for good."""

    def url(self, name: str | None, force: bool = False) -> str:
        address = super().url(name)
        digest = version(name or "")
        return f"{address}?v={digest}" if digest else address


def _etag(request: HttpRequest, path: str) -> str | None:
    return f'"{digest}"' if (digest := version(path)) else None


def _modified(request: HttpRequest, path: str) -> datetime | None:
    if file := files().get(path):
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return None


@read_only
@condition(etag_func=_etag, last_modified_func=_modified)
def serve(request: HttpRequest, path: str) -> HttpResponseBase:
    """One static file; kept for good under its versioned address, asked for again otherwise."""
    file = files().get(path)
    if file is None:
        raise Http404
    response = FileResponse(file.open("rb"))
    is_versioned = request.GET.get("v") == version(path)
    response["Cache-Control"] = FOREVER if is_versioned else ASK_AGAIN
    return response
