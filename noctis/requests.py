"""How many answers there were and how long they took, under django-prometheus's own names.

Its middlewares write 21 numbers for each request, most of which follow from these.
"""

from functools import cache

from django.conf import settings
from django.http import HttpRequest
from prometheus_client import Counter, Histogram

METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "OPTIONS", "CONNECT", "PATCH"}
)
UNNAMED = "<unnamed view>"

ANSWERED = Counter("django_http_responses_before_middlewares", "Answers, whatever they were about.")
ANSWERED_BY = Counter(
    "django_http_responses_total_by_status_view_method",
    "Answers by status, view and method.",
    ["status", "view", "method"],
)
TOOK = Histogram(
    "django_http_requests_latency_seconds_by_view_method",
    "How long an answer took, all that surrounds it included, by view and method.",
    ["view", "method"],
    buckets=settings.PROMETHEUS_LATENCY_BUCKETS,
)


def count(request: HttpRequest, status: int, elapsed_s: float) -> None:
    view = request.resolver_match.view_name if request.resolver_match else UNNAMED
    method = str(request.method) if request.method in METHODS else "<invalid method>"
    answered_by, took = _of(status, view or UNNAMED, method)
    ANSWERED.inc()
    answered_by.inc()
    took.observe(elapsed_s)


@cache
def _of(status: int, view: str, method: str) -> tuple[Counter, Histogram]:
    return ANSWERED_BY.labels(str(status), view, method), TOOK.labels(view, method)
