"""Which methods a plain view takes; refuses the others in the one shape of every refusal."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from noctis import errors, http

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def read_only(view: View[P]) -> View[P]:
    """GET and HEAD. Django's own decorator would answer the others with an empty body."""

    @csrf_exempt  # else a POST is refused for its missing cookie before its method is looked at
    @wraps(view)
    def reading(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.method in ("GET", "HEAD"):
            return view(request, *args, **kwargs)
        refused = http.problem_response(errors.MethodNotAllowed(), request.path)
        refused["Allow"] = "GET, HEAD"
        return refused

    return reading
