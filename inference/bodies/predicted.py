"""Predictions as rows of an answer: ids, instants, stages by name; whole columns at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np

from inference import prediction_ids
from inference.engine.nights import Doubles, Floats
from inference.models import Pass, Role
from inference.prediction_ids import PredictionKey
from inference.queries import Page
from recordings import grid, streams
from recordings.stages import BY_CODE, code_of

HEAD = (
    "id",
    "epoch_index",
    "window_start_ts",
    "window_end_ts",
    "predicted_stage",
    "confidence",
    "model_version",
    "pass",
    "role",
    "revision",
)


@dataclass(frozen=True)
class Origin:
    """The night that predictions are of: a part of their ids, and where its grid begins."""

    recording_id: int
    started_at: datetime


def shares_of(values: Floats) -> Doubles:
    """Any shape: six digits, which is what a version answers for."""
    return values.astype(np.float64).round(6)


def role_name(role: int) -> str:
    return Role(role).name.lower()


def pass_name(staging_pass: int) -> str:
    return Pass(staging_pass).name.lower()


def names_of(labels: Sequence[str]) -> list[str]:
    """The stages as they are shown, unless the model tells more of them apart."""
    return list(_names_of(tuple(labels)))


@lru_cache
def _names_of(labels: tuple[str, ...]) -> Sequence[str]:
    shown = [BY_CODE[code_of(label) or 0].shown or label for label in labels]
    return shown if len(set(shown)) == len(shown) else labels


def rows(origin: Origin, page: Page) -> Iterator[dict[str, Any]]:
    """One plain row a prediction, without what is the same for all that one version gave."""
    names = names_of(page.labels)
    for id_, index, start, end, stage, (*shares, confidence) in _columns(origin, page):
        yield {
            "id": id_,
            "epoch_index": index,
            "window_start_ts": start,
            "window_end_ts": end,
            "predicted_stage": stage,
            "confidence": confidence,
            "probabilities": dict(zip(names, shares, strict=True)),
        }


def named_rows(origin: Origin, page: Page) -> Iterator[dict[str, Any]]:
    """The same with the version, and why it was asked."""
    told = zip(page.staging_pass.tolist(), page.role.tolist(), page.revision.tolist(), strict=True)
    for row, (staging_pass, role, revision) in zip(rows(origin, page), told, strict=True):
        yield row | {
            "model_version": page.version,
            "pass": pass_name(staging_pass),
            "role": role_name(role),
            "revision": revision,
        }


def _columns(origin: Origin, page: Page) -> Iterator[tuple[Any, ...]]:
    by_code = dict(zip(map(code_of, page.labels), names_of(page.labels), strict=True))
    values = shares_of(np.column_stack([page.probabilities, page.confidence]))
    start = np.datetime64(origin.started_at.replace(tzinfo=None), "us")
    first = np.maximum(page.index - page.before, 0)
    bounds = np.concatenate([first, page.index + 1]).astype("m8[s]") * grid.EPOCH_S
    instants = streams.instants(start + bounds)
    return zip(
        _ids(origin.recording_id, page),
        page.index.tolist(),
        instants[: len(page)],
        instants[len(page) :],
        [by_code[code] for code in page.stages.tolist()],
        values.tolist(),
        strict=True,
    )


def _ids(recording_id: int, page: Page) -> list[str]:
    """A role and a pass at a time: within one, ids differ by index and revision alone."""
    kinds = page.role * len(Pass) + page.staging_pass
    found = np.empty(len(page), object)
    for kind in set(kinds.tolist()):
        wanted = kinds == kind
        role, staging_pass = divmod(kind, len(Pass))
        key = PredictionKey(recording_id, 0, page.model_id, role, staging_pass, 0)
        found[wanted] = prediction_ids.texts(key, page.index[wanted], page.revision[wanted])
    return list(found.tolist())


def csv_lines(origin: Origin, page: Page, stages: Sequence[str]) -> list[str]:
    """A line a prediction; a stage that its version does not know is an empty cell."""
    names = names_of(page.labels)
    heads = [",".join(str(row[name]) for name in HEAD) for row in named_rows(origin, page)]
    wide = np.full((len(page), len(stages)), np.nan)
    wide[:, [stages.index(name) for name in names]] = shares_of(page.probabilities)
    return streams.csv_numbers(heads, wide)
