"""Signing in: name, password, one-time code; one answer for every cause, a bounded pace."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tenants.models import Operator
from tenants.services import operators, sessions
from tenants.services.operators import SignInRefused

REFUSED = "User name, password and one-time code do not fit together, or the code was used before."


class SignInForm(AuthenticationForm):
    """The code's field is always there: a form that asked for it later would tell who has one."""

    otp = forms.CharField(
        label=_("One-time code"),
        required=False,
        max_length=24,
        help_text=_(
            "Six digits from your authenticator, or a recovery code; empty if you have none yet."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "size": 24}),
    )

    def clean(self) -> dict[str, Any]:
        known = self.cleaned_data
        if self.errors:
            return known
        try:
            self.user_cache = sessions.enter_console(
                username=known["username"],
                password=known["password"],
                otp=known["otp"].replace(" ", ""),
            )
        except SignInRefused:
            raise ValidationError(REFUSED, code="refused") from None
        return known


def remember_session(request: HttpRequest) -> None:
    """After a sign-in: where it came from."""
    if isinstance(request.user, Operator) and request.session.session_key:
        sessions.begin_session(
            operator=request.user,
            session_key=request.session.session_key,
            address=address_of(request),
            browser=request.headers.get("User-Agent", ""),
        )


def use_attempt(request: HttpRequest) -> None:
    """Use one attempt of the address's; looking at the form costs nothing."""
    if request.method == "POST":
        operators.use_attempt(by=address_of(request))


def address_of(request: HttpRequest) -> str:
    """The nearest address that nobody can make up: the trusted proxy's word, or the socket's."""
    if settings.SECURE_PROXY_SSL_HEADER and (told := request.headers.get("X-Forwarded-For")):
        return str(told).rpartition(",")[2].strip()
    return str(request.META.get("REMOTE_ADDR", ""))
