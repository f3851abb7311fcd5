"""A stranger's staged nights: one that was closed, and one that is staged while it is slept."""

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlops.simulator.nights import simulate
from noctis.launch import picture
from noctis.launch.stranger import SmokeFailed, Stranger

VERSION = "noctis_v1"
AT_A_TIME = 20
# Two sweeps of live staging, and some patience with a machine that does other things.
LIVE_WITHIN_S, STAGED_WITHIN_S = 40, 40
EPOCH_S = 30
# Longer than what the model looks at around an epoch.
GAP = (400, 460)


def show(stranger: Stranger, recording: str) -> dict[str, Any]:
    """Wait for a closed night's hypnogram and draw it, with where to look at it."""
    path = f"/v1/recordings/{recording}"
    waited = _until(
        lambda: stranger.expect(200, "GET", path).body["status"] == "staged",
        STAGED_WITHIN_S,
        "the night was not staged",
    )
    night: dict[str, Any] = stranger.expect(200, "GET", f"{path}/hypnogram").body
    summary = stranger.expect(200, "GET", f"{path}/summary").body["summary"]
    by = f"{night['model_version']}{', experimental' if night['is_experimental'] else ''}"
    stranger.done(f"it was staged {waited:.0f} s later, by {by}")
    for line in [*picture.drawn(night["stages"]), picture.told(summary)]:
        stranger.tell(f"        {line}")
    page = f"{stranger.address}/console/recordings/recording/{recording}/change/"
    stranger.done(f"its page: {page}")
    return night


@dataclass(frozen=True)
class Sleeper:
    """A night that is sent in parts; a row of NaN is an epoch that the device never had."""

    stranger: Stranger
    recording: str
    started_at: datetime
    features: NDArray[np.float32]  # (epochs, features)

    @property
    def is_there(self) -> NDArray[np.bool_]:
        return np.asarray(~np.isnan(self.features).all(axis=1))

    def send(self, first: int) -> None:
        part = self.is_there[first : first + AT_A_TIME]
        epochs = [self._epoch(first + int(place)) for place in np.flatnonzero(part)]
        if epochs:
            body = {"recording_id": self.recording, "epochs": epochs}
            self.stranger.expect(200, "POST", "/v1/epochs:ingest", body)

    def _epoch(self, index: int) -> dict[str, Any]:
        at = self.started_at + timedelta(seconds=EPOCH_S * index)
        return {
            "epoch_index": index,
            "epoch_start_ts": at.isoformat(),
            "feature_schema_version": VERSION,
            "features": base64.b64encode(self.features[index].astype("<f4").tobytes()).decode(),
        }


def slept_through(stranger: Stranger) -> None:
    """A device that sends twenty epochs at a time, as real ones do, and at times none."""
    sleeper = _asleep(stranger)
    length, known = len(sleeper.features), int(sleeper.is_there.sum())
    for first in (0, AT_A_TIME):
        sleeper.send(first)
    _staged_live(sleeper)
    for first in range(2 * AT_A_TIME, length, AT_A_TIME):
        sleeper.send(first)
    stranger.expect(200, "POST", f"/v1/recordings/{sleeper.recording}:close", {})
    stranger.done(f"{known} epochs of {length} came {AT_A_TIME} at a time; it is closed")
    stages = show(stranger, sleeper.recording)["stages"]
    if len(stages) != length or sum(stage is not None for stage in stages) < 0.9 * known:
        raise SmokeFailed(f"{len(stages)} epochs of {length} came back, or few have a stage")
    if stages[sum(GAP) // 2] is not None:
        raise SmokeFailed(f"the middle of a gap was staged: {stages[slice(*GAP)]}")
    stranger.done("what the device never sent has no stage")


def _asleep(stranger: Stranger) -> Sleeper:
    """A simulated night that ends now, with a gap that no window bridges."""
    (night,) = simulate([(20_261_121,)])
    features = night.features
    features[slice(*GAP)] = np.nan
    features = features[: int(np.flatnonzero(~np.isnan(features).all(axis=1))[-1]) + 1]
    lasted = timedelta(seconds=EPOCH_S * len(features))
    started_at = datetime.now(UTC).replace(microsecond=0) - lasted
    start = {"device_external_id": "SM-2", "device_name": "smoke in parts"}
    start |= {"started_at": started_at.isoformat()}
    recording = stranger.expect(201, "POST", "/v1/recordings:start", start).body["id"]
    return Sleeper(stranger, recording, started_at, features)


def _staged_live(sleeper: Sleeper) -> None:
    stranger, path = sleeper.stranger, f"/v1/recordings/{sleeper.recording}/predictions"
    waited = _until(
        lambda: bool(stranger.expect(200, "GET", path).body["items"]),
        LIVE_WITHIN_S,
        "no live stage was given",
    )
    found = sorted(item["epoch_index"] for item in stranger.expect(200, "GET", path).body["items"])
    # What came at first is too little for some models, and enough for others.
    known = np.flatnonzero(sleeper.is_there[: 2 * AT_A_TIME])
    first = int(known[_least_known(sleeper) - 1])
    # An epoch that came without a sign of the sleeper has no stage, and puts the first one off.
    is_soon = bool(found) and found[0] - first <= AT_A_TIME // 4
    if not is_soon or not set(found) <= {int(index) for index in known if index >= first}:
        raise SmokeFailed(f"live stages of epochs {found[:1]} to {found[-1:]}, not from {first} on")
    stranger.done(f"while it is slept: live stages from epoch {first} on, {waited:.0f} s later")


def _least_known(sleeper: Sleeper) -> int:
    """How many epochs the model that serves the live pass asks for."""
    path = f"/v1/recordings/{sleeper.recording}/predictions"
    version = sleeper.stranger.expect(200, "GET", path).body["items"][0]["model_version"]
    window = sleeper.stranger.expect(200, "GET", f"/v1/models/{version}").body["window"]
    return int(window["minimum_known"])


def _until(is_so: Callable[[], bool], within_s: float, otherwise: str) -> float:
    """Ask until it is so; says how many seconds that took."""
    started = time.monotonic()
    while not is_so():
        if time.monotonic() - started > within_s:
            raise SmokeFailed(f"{otherwise} within {within_s:g} s")
        time.sleep(0.5)
    return time.monotonic() - started
