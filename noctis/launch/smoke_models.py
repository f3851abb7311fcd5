"""The life of a model as a stranger sees it: a device drifts, that is found, a candidate is made of
the labelled nights, compared, promoted by two commands, and rolled back by one."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from noctis.launch.programs import REPOSITORY
from noctis.launch.stranger import SmokeFailed, Stranger

TENANT, DEVICE = "harbour", "SM-3"
# Half of them before the device is moved away from its bed. The demo's beds have nights of the
# newer days alone, so nothing is concluded of them.
NIGHTS, DRIFTS_FROM = 28, 14
DAYS = {"DRIFT_CURRENT_DAYS": "14", "DRIFT_BASELINE_DAYS": "14"}
WITHIN_S = 120
# Few rows and few steps: it is shown how a candidate comes to be, not how good one can be.
QUICK = {"every": 16, "iterations": 8}


@dataclass(frozen=True)
class Shell:
    """`manage.py` on the platform's own machine."""

    environment: Mapping[str, str]

    def run(self, *words: str) -> Any:
        done = subprocess.run(
            [sys.executable, "manage.py", *words, "--json"],
            cwd=REPOSITORY,
            env=os.environ | dict(self.environment),
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        if done.returncode != 0:
            raise SmokeFailed(f"manage.py {' '.join(words)}: {done.stderr.strip()[-300:]}")
        return json.loads(done.stdout)


def life(stranger: Stranger, shell: Shell) -> None:
    """From drift to a rollback; what served before serves again in the end."""
    serves = _serving(stranger)
    _drift(stranger, shell, serves)
    candidate = _retrain(stranger)
    _compare(stranger, shell, serves, candidate)
    _promote(stranger, shell, serves, candidate)


def _serving(stranger: Stranger) -> str:
    items = stranger.expect(200, "GET", "/v1/models").body["items"]
    return str(next(row["version"] for row in items if "night" in row["serves"]))


def _drift(stranger: Stranger, shell: Shell, version: str) -> None:
    last = datetime.now(UTC).date() - timedelta(days=1)
    of = ("--tenant", TENANT, "--device", DEVICE, "--device-name", "smoke, moved from the bed")
    how = ("--nights", str(NIGHTS), "--drifts-from", str(DRIFTS_FROM), "--label")
    shell.run("nights", "simulate", *of, *how, "--end", str(last))
    _all_staged(stranger)
    stranger.done(
        f"{NIGHTS} nights of a device that drifts from its {DRIFTS_FROM + 1}th are staged"
    )
    days = [arg for day in (last, last + timedelta(days=1)) for arg in ("--until", str(day))]
    shell.run("drift", "run", "--tenant", TENANT, "--model", version, *days)
    found = stranger.expect(200, "GET", f"/v1/model/drift?model_version={version}").body
    moved = ", ".join(row["name"] for row in found["flagged_features"])
    if found["severity"] not in ("MEDIUM", "HIGH") or not found["is_alarm"]:
        raise SmokeFailed(f"the drift was not found: {found['severity']}, {moved}")
    stranger.done(f"drift is found, and lasts: {found['severity']}, {moved}")


def _all_staged(stranger: Stranger) -> None:
    devices = stranger.expect(200, "GET", f"/v1/devices?external_id={DEVICE}").body["items"]
    path = f"/v1/recordings?device_id={devices[0]['id']}&status=staged"
    _until(
        lambda: len(stranger.expect(200, "GET", path).body["items"]) == NIGHTS,
        "the nights of the device that drifts were not staged",
    )


def _retrain(stranger: Stranger) -> str:
    since: date = datetime.now(UTC).date() - timedelta(days=5)
    body = {
        "reason": "The device drifts.",
        "hyperparameters": QUICK,
        # Asked for by name: only a simulator has labelled nights here.
        "dataset": {"label_sources": ["synthetic"], "from": str(since)},
    }
    answer = stranger.expect(202, "POST", "/v1/retrainings", body)
    path = answer.headers["Location"]
    _until(
        lambda: stranger.expect(200, "GET", path).body["status"] in ("done", "failed"),
        "the retraining did not end",
    )
    row = stranger.expect(200, "GET", path).body
    if row["status"] != "done" or row["drift_run_id"] is None:
        raise SmokeFailed(f"the retraining ended as {row['status']}: {row['error']}")
    told = stranger.expect(200, "GET", f"/v1/models/{row['version']}/lineage").body
    if (told["status"], told["run"]["id"]) != ("candidate", row["run_id"]):
        raise SmokeFailed(f"where the candidate comes from is told oddly: {told['status']}")
    nights, kappa = told["dataset"], told["run"]["kappa"]
    stranger.done(
        f"retraining made {row['version']}: fitted to {nights['fit_nights']} labelled nights, "
        f"judged by {nights['held_out_nights']} of other people"
    )
    stranger.tell("        kappa, simulated nights: " + _told(kappa))
    return str(row["version"])


def _told(kappa: Mapping[str, float | None]) -> str:
    return "; ".join(f"{name} {value:.2f}" for name, value in kappa.items() if value is not None)


def _compare(stranger: Stranger, shell: Shell, one: str, other: str) -> None:
    found = shell.run("model", "compare", one, other, "--tenant", TENANT, "--nights", "10")
    stranger.done(f"both staged the same {found['nights']} nights again, and were compared")
    kappas = {name: pair["kappa"] for name, pair in found["pairs"].items()}
    stranger.tell("        kappa, simulated nights: " + _told(kappas))


def _promote(stranger: Stranger, shell: Shell, before: str, candidate: str) -> None:
    recording = stranger.expect(200, "GET", "/v1/recordings?status=staged&limit=1").body["items"][0]
    why = ("--reason", "make smoke")
    shell.run("model", "validate", candidate, *why)
    waive = "make smoke: a candidate of a few simulated nights, for a minute"
    shell.run("model", "serve", candidate, *why, "--waive", waive)
    _answers(stranger, recording["id"], candidate)
    stranger.done(f"two commands promoted it, its gates waived; predictions carry {candidate}")
    shell.run("model", "rollback", *why)
    _answers(stranger, recording["id"], before)
    stranger.done(f"one rolled it back: predictions carry {before} again")


def _answers(stranger: Stranger, recording: str, version: str) -> None:
    body = {"recording_id": recording}
    _until(
        lambda: stranger.expect(200, "POST", "/v1/predict", body).body["model_version"] == version,
        f"predictions do not carry {version}",
    )


def _until(is_so: Any, otherwise: str) -> None:
    until = time.monotonic() + WITHIN_S
    while not is_so():
        if time.monotonic() > until:
            raise SmokeFailed(f"{otherwise} within {WITHIN_S} s")
        time.sleep(0.5)
