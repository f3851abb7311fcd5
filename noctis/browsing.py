"""What only people with a browser need: the API's callers have no session, cookie or message."""

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest

BROWSED = "/console/"


class Browsing:
    """Mixed into a middleware, it keeps to the console."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        if request.path.startswith(BROWSED):
            return super().__call__(request)  # type: ignore[misc]  # of what it is mixed into
        return self.get_response(request)


class Session(Browsing, SessionMiddleware):
    pass


class Authentication(Browsing, AuthenticationMiddleware):
    pass


class Messages(Browsing, MessageMiddleware):
    pass
