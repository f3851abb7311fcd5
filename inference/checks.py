"""Whether a model is there to serve, as a system check; nothing is loaded for it."""

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Error

from inference.serving import snapshot

HINT = "`manage.py model ensure` registers what ships; MODELS_DIR is where artifacts are read."


@checks.register(checks.Tags.database, deploy=True)
def model_is_present(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Of a deployment alone, and no reason not to start: nights come in without a model."""
    if not databases:
        return []
    wanted = {row.version for row in snapshot.wanted_versions().values()}
    pinned = {pin.version.version for pin in snapshot.pins_in_effect()}
    missing = (wanted | pinned) - set(snapshot.store().versions())
    told = [f"The artifact of {version} is not there." for version in sorted(missing)]
    if not wanted:
        told = ["No model serves."]
    return [Error(text, hint=HINT, id="noctis.E031") for text in told]
