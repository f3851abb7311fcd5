"""The states of a model version and the edges between them, as data. Pure."""

import re
from dataclasses import dataclass

CANDIDATE, VALIDATED, PRODUCTION = "candidate", "validated", "production"
ARCHIVED, REJECTED = "archived", "rejected"
STATUSES = (CANDIDATE, VALIDATED, PRODUCTION, ARCHIVED, REJECTED)

# A version is looked up in the registry and is never a path, but it does name a folder.
VERSION_NAME = r"[a-z0-9][a-z0-9._-]{0,63}"
RESERVED = ("reload",)
_NAME = re.compile(VERSION_NAME)


class IllegalEdge(ValueError):
    """Says from where to where nothing leads."""


@dataclass(frozen=True)
class Edge:
    action: str
    before: str
    after: str


# Whatever is not listed is refused. Serving another family with it leaves it in production.
EDGES = (
    Edge("validate", CANDIDATE, VALIDATED),
    Edge("reject", CANDIDATE, REJECTED),
    Edge("reject", VALIDATED, REJECTED),
    Edge("serve", VALIDATED, PRODUCTION),
    Edge("serve", PRODUCTION, PRODUCTION),
    Edge("archive", CANDIDATE, ARCHIVED),
    Edge("archive", VALIDATED, ARCHIVED),
    # When another one takes its place.
    Edge("retire", PRODUCTION, ARCHIVED),
    Edge("rollback", ARCHIVED, PRODUCTION),
    Edge("rollback", PRODUCTION, PRODUCTION),
)
_AFTER = {(edge.action, edge.before): edge.after for edge in EDGES}


def is_version_name(text: str) -> bool:
    return bool(_NAME.fullmatch(text)) and text not in RESERVED


def after(action: str, status: str) -> str:
    """Where an action leads from a status, or `IllegalEdge`."""
    try:
        return _AFTER[action, status]
    except KeyError:
        raise IllegalEdge(f"{action} is not possible for a version that is {status}") from None


def is_done(action: str, status: str) -> bool:
    """Has the action led here already? Then doing it again changes nothing."""
    return any(edge.after == status for edge in EDGES if edge.action == action)


def previous_of(history: list[tuple[str, str]]) -> str | None:
    """What served before what serves now: (action, version) in order, each undone by a rollback."""
    served: list[str] = []
    for action, version in history:
        if action == "rollback":
            del served[-1:]
        elif not served or served[-1] != version:
            served.append(version)
    return served[-2] if len(served) > 1 else None
