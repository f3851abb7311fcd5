"""Ask a platform whose database is stopped, and a probe of its own in turns. No Django.

On a busy machine every answer is late: how late, the probe tells, which asks nobody."""

import http.client
import json
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.stack import Stack

BAR_MS = 50.0
# Both workers have to find out for themselves, by five failures each.
ASKED_BEFORE = 200
ROUTES = (("GET", "/v1/recordings"), ("GET", "/v1/whoami"), ("POST", "/v1/epochs:ingest"))


@dataclass
class Outcome:
    answers: Counter[str] = field(default_factory=Counter)
    refusals_ms: list[float] = field(default_factory=list)
    probes_ms: list[float] = field(default_factory=list)
    healed_s: float = 0.0

    @property
    def is_open(self) -> bool:
        """Nothing but the circuit answers; a probe of the circuit's own answers like it."""
        return self.answers.keys() == {"503 db_circuit_open"}

    @property
    def is_sound(self) -> bool:
        """In 50 ms, or as fast as this machine answers anything just now."""
        bar_ms = max(BAR_MS, 2 * percentile(self.probes_ms, 0.99))
        return self.is_open and percentile(self.refusals_ms, 0.99) < bar_ms

    def __str__(self) -> str:
        answers = ", ".join(f"{count} {told}" for told, count in self.answers.most_common())
        return "\n".join(
            (
                f"answers       {answers}",
                f"refused in    {told(self.refusals_ms)}",
                f"probes in     {told(self.probes_ms)}, /healthz in turns with them",
                f"healed        {self.healed_s:.1f} s after the database came back",
            )
        )


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def told(values: list[float]) -> str:
    shares = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    figures = ", ".join(f"{name} {percentile(values, share):.1f}" for name, share in shares)
    return f"{figures}, most {max(values):.1f} ms"


def measure(stack: Stack, *, calls: int) -> Outcome:
    """Stop the database, let every worker find out, time so many calls, and start it again."""
    outcome = Outcome()
    stack.instance.postgres.stop()
    for _ in range(ASKED_BEFORE):
        ask(stack, *ROUTES[0])
    for number in range(calls):
        answer, took_ms = ask(stack, *ROUTES[number % len(ROUTES)])
        outcome.answers[answer] += 1
        outcome.refusals_ms.append(took_ms)
        outcome.probes_ms.append(ask(stack, "GET", "/healthz")[1])
    stack.instance.postgres.start()
    began = time.monotonic()
    while ask(stack, "GET", "/v1/whoami")[0] != "200" and time.monotonic() < began + 60:
        time.sleep(0.05)
    outcome.healed_s = time.monotonic() - began
    return outcome


def ask(stack: Stack, method: str, path: str) -> tuple[str, float]:
    """Status and code, and milliseconds from connecting to the last byte."""
    headers = {"Authorization": f"Bearer {stack.token}", "Content-Type": "application/json"}
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=60)
    try:
        connection.request(method, path, b"{}" if method == "POST" else None, headers)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    took_ms = 1000 * (time.perf_counter() - began)
    code = json.loads(body).get("code", "") if answer.status >= 400 else ""
    return f"{answer.status} {code}".strip(), took_ms
