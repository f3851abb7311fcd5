"""From a database URL to Django's dictionary. Pure; refuses what it does not know."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


def database_settings(url: str) -> dict[str, Any]:
    """Django's settings of the one database; an empty URL leaves a name that cannot connect."""
    parts = urlsplit(url or "postgresql:///noctis?host=/embedded-servers-not-started")
    if parts.scheme not in ("postgres", "postgresql", "timescale"):
        raise ValueError("DATABASE_URL must start with postgresql://")
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "noctis.db.backend",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", "") or parts.hostname or "",
        "PORT": str(parts.port or query.pop("port", "")),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        # For statements through psycopg's own cursor; Django's binds on the client, unprepared.
        "OPTIONS": {"prepare_threshold": 1} | query,
    }
