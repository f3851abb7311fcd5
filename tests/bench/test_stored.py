"""A run is held against the one that was kept: by ratios, and only what is clearly worse."""

from pathlib import Path

import pytest

from bench import stored

SHARE, TIMES, COST = "list x8 share of copy", "latest x8 CPU times whoami", "latest x8 CPU ms"


@pytest.fixture(autouse=True)
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "RESULTS", tmp_path / "results")


def test_without_a_kept_run_nothing_is_worse() -> None:
    assert stored.worse_than_kept("ingest", {SHARE: 0.1}) == []


@pytest.mark.parametrize(
    ("label", "now", "is_worse"),
    [
        (SHARE, 0.31, True),
        (SHARE, 0.33, False),
        (SHARE, 0.9, False),
        (TIMES, 0.49, True),
        (TIMES, 0.47, False),
        (TIMES, 0.1, False),
        (COST, 9.0, False),
    ],
)
def test_a_ratio_that_is_clearly_worse_is_named(label: str, now: float, is_worse: bool) -> None:
    stored.keep("ingest", "a machine", {label: 0.4})

    found = stored.worse_than_kept("ingest", {label: now, "new": 1.0})

    assert [line.partition(":")[0] for line in found] == [label] * is_worse
