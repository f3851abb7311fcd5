"""Which allowance a call draws on: its client's, for reading, writing or signing in."""

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from noctis import errors, limits, metrics
from tenants.callers import Caller


class ClientThrottle(BaseThrottle):
    def allow_request(self, request: Request, view: Any) -> bool:
        route_class = view.route_class_of(request._request)
        verdict = limits.take(route_class, self._who(request))
        request._request.rate_limit = verdict  # type: ignore[attr-defined]  # read by ApiView
        if verdict and not verdict.is_allowed:
            metrics.RATE_LIMITED.labels(route_class=route_class).inc()
            raise errors.RateLimited(retry_after_s=verdict.retry_after_s)
        return True

    def _who(self, request: Request) -> str:
        caller = request.user
        return caller.identity if isinstance(caller, Caller) else self.get_ident(request)
