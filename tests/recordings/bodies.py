"""Bodies of ingest for hypothesis: good ones in every form, and the same with one thing wrong."""

import base64
import copy
import json
import struct
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from tests.recordings.nights import NAMES, SCHEMA, VERSION

RECORDING = UUID("6f1c2d7e-0000-4000-8000-00000000c0de")
GAPS = [bytes.fromhex(bits) for bits in ("0000c07f", "0000c0ff", "0100807f", "ffffffff")]
INSTANTS = st.sampled_from(
    [
        "2026-11-20T22:00:00Z",
        "2026-11-20T23:00:15.000001+01:00",
        "2026-11-20t22:00:00.5z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59.999999-14:00",
    ]
)
# How far a clock is off, in microseconds: up to 15 s is fine.
CLOCKS_US = st.one_of(
    st.sampled_from([-15_000_001, -15_000_000, 15_000_000, 15_000_001]),
    st.integers(-16_000_000, 16_000_000),
)
JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([2_879, 2_880, 2**31, 2**70, -(2**70), 10**400, 1.0, -0.0, 1.5, 1e39, 1e308]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(
        [
            VERSION,
            "v1",
            "2026-11-20T22:00:00",
            "2026-11-20T22:00Z",
            "2026-02-30T22:00:00Z",
            "2026-11-20T24:00:00Z",
            "2026-W47-5T22:00:00Z",
            "20261120T220000Z",
            f"{{{RECORDING}}}",
            RECORDING.hex,
            f"urn:uuid:{RECORDING}",
            base64.b64encode(struct.pack("<15f", *[5] * 15)).decode(),
            base64.b64encode(struct.pack("<15f", *[5] * 14, float("inf"))).decode(),
            "AAAA",
            "AAA=",
            "AAAAAA",
            "AA\nAA",
            "é",
        ]
    ),
    st.lists(st.integers(0, 3), max_size=3),
    st.dictionaries(st.sampled_from(["hr_mean", "a/b~c", ""]), st.integers(), max_size=2),
)


@st.composite
def values(draw: st.DrawFn) -> list[bytes]:
    """One epoch's features as float32 bytes, gaps in any spelling."""
    found = []
    for feature in SCHEMA:
        low, high = float(feature.minimum or 0), float(feature.maximum or 0)
        inside = st.floats(low, high, width=32).map(lambda value: struct.pack("<f", value))
        found.append(draw(st.one_of(st.sampled_from(GAPS), inside)))
    return found


def written(row: list[bytes], form: str) -> Any:
    if form == "packed":
        return base64.b64encode(b"".join(row)).decode()
    numbers = [struct.unpack("<f", value)[0] for value in row]
    listed = [None if number != number else number for number in numbers]
    return listed if form == "list" else dict(zip(NAMES, listed, strict=True))


@st.composite
def epochs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A few epochs in any order and mix of forms; an index that comes again may say the same."""
    rows = draw(st.lists(values(), min_size=1, max_size=3))
    count = draw(st.integers(1, 5))
    forms = draw(st.sampled_from([["list"], ["object"], ["packed"], ["list", "object", "packed"]]))
    indices = st.one_of(st.integers(0, 3), st.integers(0, 2_879), st.integers(2_878, 2_880))
    said: dict[int, list[bytes]] = {}
    sent = []
    for index in draw(st.lists(indices, min_size=count, max_size=count)):
        chosen = draw(st.sampled_from(rows))
        row = said.setdefault(index, chosen) if draw(st.integers(0, 9)) else chosen
        form = draw(st.sampled_from(forms))
        at = draw(INSTANTS)
        sent.append({"epoch_index": index, "epoch_start_ts": at, "features": written(row, form)})
    return sent


@st.composite
def listed_bodies(draw: st.DrawFn) -> dict[str, Any]:
    sent = [epoch | {"feature_schema_version": VERSION} for epoch in draw(epochs())]
    return {"recording_id": str(RECORDING), "epochs": sent}


@st.composite
def columns(draw: st.DrawFn) -> dict[str, Any]:
    rows = draw(st.lists(values(), min_size=1, max_size=4))
    return {
        "recording_id": str(RECORDING),
        "feature_schema_version": VERSION,
        "start_index": draw(st.one_of(st.integers(0, 5), st.integers(2_870, 2_880))),
        "epochs": base64.b64encode(b"".join(b"".join(row) for row in rows)).decode(),
    }


@st.composite
def device_bodies(draw: st.DrawFn) -> dict[str, Any]:
    sent = [
        {"metrics" if name == "features" else name: value for name, value in epoch.items()}
        for epoch in draw(epochs())
    ]
    optional = {
        "device_name": st.one_of(st.none(), st.text(max_size=3), st.just("x" * 121)),
        "recording_id": st.one_of(st.none(), st.just(str(RECORDING))),
        "recording_started_at": st.one_of(st.none(), INSTANTS),
        "timezone": st.one_of(st.none(), st.just("Europe/Oslo"), st.just("x" * 65)),
    }
    more = draw(st.fixed_dictionaries({}, optional=optional))
    return {"device_external_id": "box-1", "epochs": sent} | more


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path to a value inside a body."""
    found = [path] if path else []
    items: Any = ()
    if isinstance(tree, dict):
        items = tree.items()
    elif isinstance(tree, list):
        items = enumerate(tree)
    for step, inner in items:
        found += places(inner, (*path, step))
    return found


@st.composite
def spoilt(draw: st.DrawFn, bodies: st.SearchStrategy[Any]) -> Any:
    """A body as it is, or with one or two things replaced, left out or added."""
    body = copy.deepcopy(draw(bodies))
    for _ in range(draw(st.integers(0, 2))):
        if not (found := places(body)):
            break
        *path, last = draw(st.sampled_from(found))
        holder = body
        for step in path:
            holder = holder[step]
        change = draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "remove":
            del holder[last]
        elif change == "replace" or isinstance(holder, list):
            holder[last] = draw(JUNK)
        else:
            holder[draw(st.sampled_from(["extra", "start_index", "a/b~c"]))] = draw(JUNK)
    return body


def raw(body: Any) -> bytes:
    return json.dumps(body).encode()
