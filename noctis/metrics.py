"""The platform's own metrics; labels are bounded: codes, classes and reasons, never ids."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from prometheus_client import Counter, Gauge, Histogram

ERRORS = Counter("error", "Answers that are problems, by code.", ["code"])
AUTH_FAILURES = Counter("auth_failures", "Refused credentials, by what failed.", ["reason"])
RATE_LIMITED = Counter(
    "rate_limited_requests", "Calls refused by a rate limit, by route class.", ["route_class"]
)
RATE_LIMIT_FALLBACK = Counter(
    "rate_limit_fallback", "Calls limited per process because the shared store was away."
)
RATE_LIMIT_FELL_BACK_AT = Gauge(
    "rate_limit_last_fallback_timestamp_seconds",
    "When a process last found the shared store away; 0 where it never did.",
    multiprocess_mode="livemax",
)
OVERLOADED = Counter(
    "overloaded_requests", "Calls refused because too many were in flight.", ["route_class"]
)
IN_FLIGHT = Gauge(
    "in_flight_requests",
    "Requests that wait for a thread or have one, a second ago at most.",
    ["route_class"],
    multiprocess_mode="livesum",
)
ACTIVE_TENANTS = Gauge(
    "active_tenant_count", "Tenants that may call.", multiprocess_mode="mostrecent"
)

DB_RETRIES = Counter("db_retry", "Database work that was tried again, by cause.", ["reason"])


class CircuitMetrics:
    """What a process thinks of a dependency, as the worst process thinks it. Times and not ages,
    which nobody would bring up to date while all wait; 0 while closed."""

    def __init__(self, name: str, dependency: str) -> None:
        def worst(suffix: str, says: str) -> Gauge:
            return Gauge(f"{name}_circuit_{suffix}", says, multiprocess_mode="livemax")

        self.opened = Counter(
            f"{name}_circuit_open", f"How often a process gave {dependency} up for a while."
        )
        self.state = worst("state", "The worst process's: 0 closed, 1 probing, 2 open.")
        self.failures = worst(
            "failures", f"The worst process's failures in a row to reach {dependency}."
        )
        self.opened_at = worst(
            "opened_timestamp_seconds",
            f"When a process gave {dependency} up, and has not reached it since; 0 while closed.",
        )
        self.retry_at = worst(
            "retry_timestamp_seconds",
            f"From when on a process asks {dependency} again; 0 while closed.",
        )


DATABASE_CIRCUIT = CircuitMetrics("db", "the database")
LIMITS_CIRCUIT = CircuitMetrics("redis", "the store of limits")

INGEST_REQUESTS = Counter("ingest_requests", "Batches of epochs that were sent, by form.", ["form"])
INGEST_FAILURES = Counter("ingest_failures", "Batches that were not taken, by code.", ["code"])
INGESTED_EPOCHS = Counter("ingested_epochs", "Epochs that were new.")
DEVICE_INGEST_RATE = Gauge(
    "device_ingest_rate",
    "Epochs a second that devices sent and were new, in the last minute that was looked at.",
    multiprocess_mode="mostrecent",
)
COMMIT_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0)
COMMIT_LATENCY = Histogram(
    "db_commit_latency_seconds",
    "How long the database takes to commit a batch.",
    buckets=COMMIT_BUCKETS,
)

INFERENCE_BUCKETS = (
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.35,
    0.7,
    1.0,
    2.5,
    10.0,
)
INFERENCE_DURATION = Histogram(
    "inference_duration_seconds",
    "How long an answer with predictions takes, reading and logging included, by pass.",
    ["staging_pass"],
    buckets=INFERENCE_BUCKETS,
)
# Out of that histogram, of all processes together; unknown, and so not set, where nobody asked.
INFERENCE_P95 = Gauge(
    "inference_p95_latency_ms",
    "The 95th percentile of the last five minutes.",
    multiprocess_mode="mostrecent",
)
INFERENCE_P99 = Gauge(
    "inference_p99_latency_ms",
    "The 99th percentile of the last five minutes.",
    multiprocess_mode="mostrecent",
)
WINDOW_BUILD_DURATION = Histogram(
    "window_build_duration_seconds",
    "How long it takes to read a night's epochs and lay them out on its grid.",
    buckets=(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5),
)
PREDICTIONS = Counter("predictions", "Stages that were given, by version.", ["model_version"])
PREDICTION_CONFIDENCE = Histogram(
    "prediction_confidence_histogram",
    "How sure the stages given were.",
    buckets=tuple(tenth / 10 for tenth in range(1, 11)),
)
# `log`: the row was there already; `memory`: this process had staged the same inputs.
CACHE_HITS = Counter("cache_hits", "Predictions that need not be computed anew.", ["kept_in"])
CACHE_MISSES = Counter("cache_misses", "Predictions that had to be.", ["kept_in"])
MODEL_UNAVAILABLE = Counter("model_unavailable", "Answers that no model could give.", ["family"])

MODEL_INFO = Gauge(
    "model_info",
    "How many processes serve a family with a version.",
    ["family", "version"],
    multiprocess_mode="livesum",
)
MODEL_RELOADS = Counter(
    "model_reload_success", "Models that passed their self-test and serve.", ["family"]
)
MODEL_RELOAD_FAILURES = Counter(
    "model_reload_failure", "Models that should serve and could not be loaded.", ["family", "code"]
)

DRIFT_SCORE = Gauge(
    "drift_score_gauge",
    "The largest PSI of a feature in the newest run of any tenant, by version.",
    ["model_version"],
    multiprocess_mode="mostrecent",
)
DRIFT_SEVERITY = Gauge(
    "drift_severity_gauge",
    "The worst tenant's newest run: -1 too few nights, 0 LOW, 1 MEDIUM, 2 HIGH.",
    ["model_version"],
    multiprocess_mode="mostrecent",
)

OBJECTIVE_VALUE = Gauge(
    "objective_value",
    "What an objective is about, as measured; not a number where nothing happened.",
    ["objective", "window"],
    multiprocess_mode="mostrecent",
)
OBJECTIVE_TARGET = Gauge(
    "objective_target", "What that is held against.", ["objective"], multiprocess_mode="mostrecent"
)
# Over 1 more went wrong in the window than the objective allows; the rate at which it burns.
OBJECTIVE_BUDGET_SPENT = Gauge(
    "objective_budget_spent",
    "The share of the window's error budget that is gone.",
    ["objective", "window"],
    multiprocess_mode="mostrecent",
)
OBJECTIVES_EVALUATED = Gauge(
    "objectives_evaluated_timestamp_seconds",
    "When the objectives were last evaluated.",
    multiprocess_mode="mostrecent",
)

# Times and not ages: a scheduler that died would leave an age as it was.
LAST_BACKUP = Gauge(
    "backup_last_success_timestamp_seconds",
    "When the newest backup was written that is whole; 0 where there is none.",
    multiprocess_mode="mostrecent",
)
LAST_PROOF = Gauge(
    "backup_last_proof_timestamp_seconds",
    "When a backup was last restored and found equal; 0 where none was.",
    multiprocess_mode="mostrecent",
)

DATABASE_SIZE = Gauge(
    "database_size_bytes", "What the database takes on its disk.", multiprocess_mode="mostrecent"
)
VOLUME_FREE = Gauge(
    "volume_free_ratio",
    "The free share of the volume that a folder is on: backups, models.",
    ["volume"],
    multiprocess_mode="mostrecent",
)


def observe_all(histogram: Histogram, values: NDArray[Any]) -> None:
    """Observe as many values as there are; one by one, a night of them takes a millisecond."""
    if len(values) == 1:
        histogram.observe(float(values[0]))
        return
    bounds = histogram._upper_bounds
    counts = np.bincount(np.searchsorted(bounds, values), minlength=len(bounds))
    for bucket, count in zip(histogram._buckets, counts.tolist(), strict=True):
        if count:
            bucket.inc(count)
    histogram._sum.inc(float(values.sum()))
