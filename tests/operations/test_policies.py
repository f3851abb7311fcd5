"""The table of policies and its differences, without a database."""

import pytest

from noctis.db.editions import Edition
from operations.policies import BY_NAME, DOERS, POLICIES, Change, Doer, Kind, changes, digest

WANTED = {policy.name: 7 for policy in POLICIES}


def so(edition: Edition) -> dict[str, int | None]:
    """A server on which everything is as it is wanted."""
    return {
        policy.name: None if DOERS[edition][policy.kind] == Doer.NOBODY else 7
        for policy in POLICIES
    }


@pytest.mark.parametrize("edition", Edition)
def test_every_kind_is_somebodys_in_every_edition(edition: Edition) -> None:
    assert set(DOERS[edition]) == set(Kind)


@pytest.mark.parametrize("edition", Edition)
def test_nothing_is_changed_where_all_is_as_wanted(edition: Edition) -> None:
    assert changes(edition, WANTED, so(edition)) == ()


@pytest.mark.parametrize("edition", Edition)
@pytest.mark.parametrize("name", ["epochs.retention", "predictions.retention"])
def test_a_changed_number_is_replaced(edition: Edition, name: str) -> None:
    found = changes(edition, WANTED, so(edition) | {name: 90})

    assert [(row.name, row.action, row.before, row.after) for row in found] == [
        (name, "replace", 90, 7)
    ]


def test_what_the_edition_cannot_is_not_planned() -> None:
    found = changes(Edition.POSTGRES, WANTED, {})

    kinds = {BY_NAME[row.name].kind for row in found}
    assert kinds == {Kind.REFRESH, Kind.RETENTION}


def test_what_the_edition_cannot_any_more_is_removed() -> None:
    (found,) = changes(Edition.APACHE, WANTED, so(Edition.APACHE) | {"epochs.compression": 7})

    assert (found.name, found.action) == ("epochs.compression", "remove")


def test_history_is_summed_up_before_anything_is_let_go() -> None:
    kinds = [policy.kind for policy in POLICIES]

    assert max(place for place, kind in enumerate(kinds) if kind == Kind.REFRESH) < min(
        place for place, kind in enumerate(kinds) if kind == Kind.RETENTION
    )


def test_a_plans_hash_names_its_changes_and_its_edition() -> None:
    one = (Change("epochs.retention", 90, 30, Doer.BEAT),)
    other = (Change("epochs.retention", 90, 31, Doer.BEAT),)

    hashes = {
        digest(Edition.POSTGRES, one),
        digest(Edition.APACHE, one),
        digest(Edition.POSTGRES, other),
        digest(Edition.POSTGRES, ()),
    }

    assert len(hashes) == 4
    assert digest(Edition.POSTGRES, one) in hashes
