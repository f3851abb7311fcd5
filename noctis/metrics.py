"""The platform's own metrics; labels are bounded: codes, classes and reasons, never ids."""

from prometheus_client import Counter, Gauge

ERRORS = Counter("error", "Answers that are problems, by code.", ["code"])
AUTH_FAILURES = Counter("auth_failures", "Refused credentials, by what failed.", ["reason"])
RATE_LIMITED = Counter(
    "rate_limited_requests", "Calls refused by a rate limit, by route class.", ["route_class"]
)
RATE_LIMIT_FALLBACK = Counter(
    "rate_limit_fallback", "Calls limited per process because the shared store was away."
)
ACTIVE_TENANTS = Gauge(
    "active_tenant_count", "Tenants that may call.", multiprocess_mode="mostrecent"
)
