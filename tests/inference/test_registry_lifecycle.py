"""The states of a version: only what the table lists leads from one to another."""

import itertools

import pytest

from inference import lifecycle

ACTIONS = ("validate", "serve", "rollback", "retire", "archive", "reject")
ALLOWED = {
    ("validate", "candidate"): "validated",
    ("reject", "candidate"): "rejected",
    ("archive", "candidate"): "archived",
    ("serve", "validated"): "production",
    ("reject", "validated"): "rejected",
    ("archive", "validated"): "archived",
    ("serve", "production"): "production",
    ("rollback", "production"): "production",
    ("retire", "production"): "archived",
    ("rollback", "archived"): "production",
}


@pytest.mark.parametrize(("action", "status"), [*itertools.product(ACTIONS, lifecycle.STATUSES)])
def test_an_edge_is_listed_or_refused(action: str, status: str) -> None:
    if (action, status) in ALLOWED:
        assert lifecycle.after(action, status) == ALLOWED[action, status]
    else:
        with pytest.raises(lifecycle.IllegalEdge, match=status):
            lifecycle.after(action, status)


def test_nothing_leads_out_of_a_rejection() -> None:
    assert not [edge for edge in lifecycle.EDGES if edge.before == lifecycle.REJECTED]


@pytest.mark.parametrize(
    ("history", "previous"),
    [
        ([], None),
        ([("serve", "a")], None),
        ([("serve", "a"), ("serve", "b")], "a"),
        ([("serve", "a"), ("serve", "b"), ("rollback", "a")], None),
        ([("serve", "a"), ("serve", "b"), ("serve", "c"), ("rollback", "b")], "a"),
        ([("serve", "a"), ("serve", "b"), ("rollback", "a"), ("serve", "c")], "a"),
        # Told twice by two who did it at once.
        ([("serve", "a"), ("serve", "b"), ("serve", "b")], "a"),
    ],
)
def test_a_way_back_undoes_one_step(history: list[tuple[str, str]], previous: str | None) -> None:
    assert lifecycle.previous_of(history) == previous


@pytest.mark.parametrize("name", ["a", "linear-1", "v1.2_3", "0", "a" * 64])
def test_a_version_has_a_name(name: str) -> None:
    assert lifecycle.is_version_name(name)


@pytest.mark.parametrize("name", ["", "A", "-a", ".a", "a/b", "a\n", "reload", "a" * 65, "ä"])
def test_a_version_has_no_other_name(name: str) -> None:
    assert not lifecycle.is_version_name(name)
