"""One load test against an address: nights are opened, calls sent when due, rows asked for again.

Knows the platform by its API alone, as whoever calls it does."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import SplitResult
from uuid import uuid4

import msgspec
import numpy as np

from operations.load import EXPECTED, KINDS, NIGHT_EPOCHS, Batch, Call, Outcome, Plan, Tally
from operations.services import synthetic
from operations.wire import PATIENCE_S, Answer, Lost, Wire
from recordings.schemas import ACTIVE_VERSION, SHIPPED

SCHEMA = list(SHIPPED[ACTIVE_VERSION])
Body = dict[str, Any]


class NotReady(Exception):
    """The test could not begin, or could not be weighed at its end: says at which call."""


@dataclass(frozen=True)
class Target:
    """Reloads concern everybody, so another client may have to ask for them."""

    address: SplitResult
    token: str
    reload_token: str


def run_load(*, plan: Plan, target: Target) -> Outcome:
    """Send what is planned, and say what became of it; bounded in count and time."""
    plan.check()
    return asyncio.run(_run(_Test(plan, target, Wire(target.address))))


async def _run(test: "_Test") -> Outcome:
    try:
        await test.open_nights()
        took_s = await test.send()
        found = await test.weigh()
        return Outcome(test.plan, took_s, test.tallies, found, await test.versions())
    finally:
        await test.wire.close()


@dataclass
class _Test:
    plan: Plan
    target: Target
    wire: Wire
    nights: list[str] = field(default_factory=list)
    acknowledged: dict[int, set[int]] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=lambda: {kind: Tally() for kind in KINDS})
    models: Counter[str] = field(default_factory=Counter)

    async def open_nights(self) -> None:
        """Each on a device of its own, with its first batch."""
        run, begun = uuid4().hex[:12], datetime.now(UTC).replace(microsecond=0)
        start = begun - timedelta(seconds=30 * NIGHT_EPOCHS)
        for number in range(self.plan.nights):
            name = f"load-{run}-{number}"
            told = {"device_external_id": name, "device_name": name}
            started_at = (start - timedelta(seconds=number)).isoformat()
            body = told | {"started_at": started_at}
            made = await self._must(201, "POST", "/v1/recordings:start", body)
            self.nights.append(msgspec.json.decode(made.body)["id"])
            first = self.plan.batch(number)
            await self._must(200, "POST", "/v1/epochs:ingest", self._sent(first))
            self._acknowledge(first)

    async def send(self) -> float:
        """By the clock, whether or not those before are answered; what is out after all patience
        has no answer."""
        started, under_way = time.monotonic(), set()
        for call in self.plan.calls():
            if (early := started + call.due_s - time.monotonic()) > 0:
                await asyncio.sleep(early)
            self.tallies[call.kind].sent += 1
            task = asyncio.create_task(self._call(call, started + call.due_s))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        if under_way:
            _, late = await asyncio.wait(under_way, timeout=PATIENCE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        return time.monotonic() - started

    async def weigh(self) -> list[tuple[int, int, int]]:
        """Ask for each night again: what it counts, and how many epochs it lists."""
        found = []
        for number, name in enumerate(self.nights):
            path = f"/v1/recordings/{name}"
            night = await self._must(200, "GET", path)
            listed = await self._must(200, "GET", f"{path}/epochs?limit={NIGHT_EPOCHS}")
            counted = int(msgspec.json.decode(night.body)["epoch_count"])
            items = msgspec.json.decode(listed.body)["items"]
            found.append((len(self.acknowledged.get(number, ())), counted, len(items)))
        return found

    async def versions(self) -> Body:
        told = await self._must(200, "GET", "/v1/openapi.json")
        api = msgspec.json.decode(told.body)["info"]["version"]
        return {"api": api, "schema": ACTIVE_VERSION, "models": sorted(self.models)}

    async def _call(self, call: Call, due: float) -> None:
        tally = self.tallies[call.kind]
        try:
            answer = await self._ask(call)
        except Lost as lost:
            tally.answers[lost.reason] += 1
            return
        except asyncio.CancelledError:
            tally.answers["unanswered"] += 1
            raise
        tally.answers[str(answer.status)] += 1
        if str(answer.status) != EXPECTED:
            return
        tally.seconds.append(time.monotonic() - due)
        if call.batch:
            self._acknowledge(call.batch)
        elif call.kind == "predict":
            self.models[msgspec.json.decode(answer.body)["model_version"]] += 1

    async def _ask(self, call: Call) -> Answer:
        if call.batch:
            token, path, body = self.target.token, "/v1/epochs:ingest", self._sent(call.batch)
        elif call.kind == "predict":
            body = {"recording_id": self.nights[call.night], "scope": "latest"}
            token, path = self.target.token, "/v1/predict"
        else:
            token, path = self.target.reload_token, "/v1/models/reload"
            body = {"reason": "load test"}
        return await self.wire.ask("POST", path, token, body)

    def _sent(self, batch: Batch) -> Body:
        rng = np.random.default_rng(batch.seed)
        return {
            "recording_id": self.nights[batch.night],
            "feature_schema_version": ACTIVE_VERSION,
            "start_index": batch.first,
            "epochs": synthetic.packed_epochs(schema=SCHEMA, count=batch.count, rng=rng),
        }

    def _acknowledge(self, batch: Batch) -> None:
        known = self.acknowledged.setdefault(batch.night, set())
        known.update(range(batch.first, batch.first + batch.count))

    async def _must(self, status: int, method: str, path: str, body: object = None) -> Answer:
        try:
            answer = await self.wire.ask(method, path, self.target.token, body)
        except Lost as lost:
            raise NotReady(f"{method} {path}: {lost.reason}") from None
        if answer.status != status:
            told = answer.body[:200].decode(errors="replace")
            raise NotReady(f"{method} {path} answered {answer.status}: {told}")
        return answer
