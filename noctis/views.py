"""What surrounds every action of the API: a deadline, the circuit, repetition where it is safe,
and `Idempotency-Key`. Knows no app: who calls, the view says."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from noctis import faults, http, idempotency
from noctis.db import deadlines, transactions

Action = Callable[..., Response]
READING = frozenset({"GET", "HEAD"})


class Continued(Response):
    """True before its transaction ends, and kept with it; `then` knows more once it is over."""

    def __init__(self, data: Any, *, then: Callable[[], Response]) -> None:
        super().__init__(data)
        self.then = then


class ReliableView(APIView):
    """`repeatable` names the actions that write and may be done twice, beside all that read."""

    repeatable: frozenset[str] = frozenset()
    route_class = ""
    # Whether no fault on purpose meets it.
    is_spared = False

    @property
    def sender(self) -> idempotency.Sender | None:
        """Whose idempotency keys the request's are; None where nobody is known."""
        return None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with deadlines.within(settings.REQUEST_TIMEOUT_SECONDS):
            if faults.source is None or self.is_spared:
                return super().dispatch(request, *args, **kwargs)
            with faults.exposed(self.route_class_of(request)):
                return super().dispatch(request, *args, **kwargs)

    def route_class_of(self, request: HttpRequest) -> str:
        """Which allowance a call draws on, and which faults it meets."""
        own = self.route_class
        return own or ("read" if request.method in (*READING, "OPTIONS") else "write")

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who calls and whether she may: reads, for a database that is away refuses these too."""
        admit = partial(super().initial, request, *args, **kwargs)
        transactions.repeat(admit, is_idempotent=True)
        # `dispatch` looks the action up after this.
        method = str(request.method).lower()
        if action := getattr(self, method, None):
            setattr(self, method, partial(self._reliably, action))

    def check_throttles(self, request: Request) -> None:
        """The caller is known by now."""
        if faults.source is not None and (sender := self.sender):
            faults.narrow(sender.tenant)
        super().check_throttles(request)

    def _reliably(
        self, action: Action, request: Request, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        work = partial(action, request, *args, **kwargs)
        if faults.source is not None:
            faults.strike_action(deadlines.remaining_s())
        if claim := idempotency.claim_of(request, self.sender):
            return self._answered_once(claim, work, request)
        may_repeat = request.method in READING or getattr(self, "action", None) in self.repeatable
        answer = transactions.repeat(work, is_idempotent=may_repeat)
        return answer.then() if isinstance(answer, Continued) else answer

    def _answered_once(
        self, claim: idempotency.Claim, work: Callable[[], Response], request: Request
    ) -> HttpResponseBase:
        answer = idempotency.answer_once(claim, partial(self._answered, work, request))
        if not isinstance(answer, Continued):
            return answer
        whole = self._answered(answer.then, request)
        idempotency.keep_instead(claim, whole)
        return whole

    def _answered(self, work: Callable[[], Response], request: Request) -> Response:
        """The whole answer while the transaction is open; a refusal undoes only the work."""
        try:
            with transaction.atomic():
                response = work()
        except http.REFUSING as error:
            refusal = http.as_refusal(error)
            if refusal is None or not idempotency.is_kept(refusal.row.status):
                raise
            response = self.handle_exception(error)
        response = self.finalize_response(request, response)
        return response.render()
