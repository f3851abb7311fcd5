"""An operator's own page: her password, her second factor, where she is signed in."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from noctis import errors, keyring
from tenants import totp
from tenants.console import sign_in
from tenants.console.who import actor_of, operator_of
from tenants.models import ConsoleSession
from tenants.services import credentials, factors, sessions

Site = Any
ADDRESS = "account/"
# Where a session keeps the secret that no code has confirmed yet.
OFFERED = "offered_second_factor"


def _secret_input(autocomplete: str) -> forms.PasswordInput:
    return forms.PasswordInput(attrs={"autocomplete": autocomplete})


class PasswordForm(forms.Form):
    old = forms.CharField(
        label=gettext_lazy("Present password"),
        strip=False,
        widget=_secret_input("current-password"),
    )
    new = forms.CharField(
        label=gettext_lazy("New password"),
        strip=False,
        help_text=gettext_lazy("Your other sessions and your tokens end with the old one."),
        widget=_secret_input("new-password"),
    )
    again = forms.CharField(
        label=gettext_lazy("New password once more"),
        strip=False,
        widget=_secret_input("new-password"),
    )

    def clean_again(self) -> str:
        if self.cleaned_data["again"] != self.cleaned_data.get("new"):
            raise forms.ValidationError(_("The two new passwords differ."))
        return str(self.cleaned_data["again"])


class CodesForm(forms.Form):
    password = forms.CharField(
        label=gettext_lazy("Password"), strip=False, widget=_secret_input("current-password")
    )


def _code_field(label: Any, help_text: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "one-time-code", "size": 24})
    return forms.CharField(label=label, max_length=24, help_text=help_text, widget=widget)


class FactorForm(CodesForm):
    """Who has a second factor proves it, or her password alone would be enough to replace it."""

    def __init__(self, data: Any = None, *, is_enrolled: bool) -> None:
        super().__init__(data, auto_id="id_factor_%s")
        if is_enrolled:
            self.fields["code"] = _code_field(
                gettext_lazy("Present one-time code"),
                gettext_lazy("From your present authenticator, or a recovery code."),
            )


class ConfirmationForm(forms.Form):
    code = _code_field(
        gettext_lazy("Code of the new authenticator"),
        gettext_lazy("Until a code is confirmed the new secret counts for nothing."),
    )


def page(site: Site, request: HttpRequest) -> HttpResponse:
    """GET shows; POST does what its `do` says. A given password opens nothing but its change."""
    if request.method != "POST":
        return _shown(site, request)
    doing = DOING.get(request.POST.get("do", ""))
    if doing is None:
        raise Http404
    if operator_of(request).must_change_password and doing is not _change_password:
        raise PermissionDenied
    return doing(site, request)


def _shown(site: Site, request: HttpRequest, **refused: forms.Form) -> HttpResponse:
    """With empty forms, but for one that was refused."""
    person = operator_of(request)
    unused = person.recovery_codes.filter(used_at=None).count()
    context = {
        **site.each_context(request),
        "title": _("Your account"),
        "person": person,
        "password_form": PasswordForm(),
        "codes_form": CodesForm(),
        "factor_form": FactorForm(is_enrolled=bool(person.otp_secret)),
        "confirmation_form": ConfirmationForm() if OFFERED in request.session else None,
        "unused_codes": unused,
        "sessions": _sessions(request),
        "here": request.session.session_key,
        **refused,
    }
    return TemplateResponse(request, "admin/account.html", context)


def _sessions(request: HttpRequest) -> list[ConsoleSession]:
    going_on = operator_of(request).sessions.filter(session__expire_date__gt=timezone.now())
    return list(going_on.select_related("session"))


def _change_password(site: Site, request: HttpRequest) -> HttpResponse:
    form = PasswordForm(request.POST)
    if form.is_valid():
        old, new = form.cleaned_data["old"], form.cleaned_data["new"]
        try:
            person = credentials.change_password(
                operator=operator_of(request), old=old, new=new, actor=actor_of(request)
            )
        except errors.Invalid as refused:
            form.add_error(None, _told(refused))
        else:
            # The session at hand goes on; all others end, for they know the old password's mark.
            update_session_auth_hash(request, person)
            sign_in.remember_session(request)
            messages.success(request, _("Your password was changed; other sessions have ended."))
            return HttpResponseRedirect(reverse("admin:account"))
    return _shown(site, request, password_form=form)


def _told(refused: errors.Invalid) -> str:
    return " ".join(problem.detail for problem in refused.problems) or refused.row.title + "."


def _renew_codes(site: Site, request: HttpRequest) -> HttpResponse:
    form = CodesForm(request.POST)
    if form.is_valid():
        try:
            codes = credentials.renew_recovery_codes(
                operator=operator_of(request),
                password=form.cleaned_data["password"],
                actor=actor_of(request),
            )
        except errors.Invalid as refused:
            form.add_error(None, _told(refused))
        else:
            return _codes_shown(site, request, codes)
    return _shown(site, request, codes_form=form)


def _offer_factor(site: Site, request: HttpRequest) -> HttpResponse:
    person = operator_of(request)
    form = FactorForm(request.POST, is_enrolled=bool(person.otp_secret))
    if form.is_valid():
        try:
            secret = factors.offer_second_factor(
                operator=person,
                password=form.cleaned_data["password"],
                code=form.cleaned_data.get("code", "").replace(" ", ""),
                actor=actor_of(request),
            )
        except errors.Invalid as refused:
            form.add_error(None, _told(refused))
        else:
            # Sealed, for a session is a row; and gone with it, so that no offer outlives a reset.
            request.session[OFFERED] = keyring.encrypt(secret.encode())
            uri = totp.enrolment_uri(secret, account=person.username)
            known: dict[str, Any] = {"title": _("A new second factor"), "secret": secret}
            known |= {"uri": uri, "confirmation_form": ConfirmationForm()}
            return _shown_once(site, request, "admin/own_factor.html", known)
    return _shown(site, request, factor_form=form)


def _confirm_factor(site: Site, request: HttpRequest) -> HttpResponse:
    if OFFERED not in request.session:
        raise errors.Conflict("No new second factor waits for its code: begin anew.")
    form = ConfirmationForm(request.POST)
    if form.is_valid():
        try:
            codes = factors.confirm_second_factor(
                operator=operator_of(request),
                secret=keyring.decrypt(request.session[OFFERED]).decode(),
                code=form.cleaned_data["code"].replace(" ", ""),
                session_key=request.session.session_key or "",
                actor=actor_of(request),
            )
        except errors.Invalid as refused:
            form.add_error(None, _told(refused))
        else:
            del request.session[OFFERED]
            messages.success(request, _("The new second factor counts; other sessions have ended."))
            return _codes_shown(site, request, codes)
    return _shown(site, request, confirmation_form=form)


def _codes_shown(site: Site, request: HttpRequest, codes: list[str]) -> HttpResponse:
    known = {"title": _("Recovery codes"), "codes": codes}
    return _shown_once(site, request, "admin/codes.html", known)


def _shown_once(
    site: Site, request: HttpRequest, template: str, known: dict[str, Any]
) -> HttpResponse:
    response = TemplateResponse(request, template, {**site.each_context(request), **known})
    response["Cache-Control"] = "no-store"
    return response


def _end_session(site: Site, request: HttpRequest) -> HttpResponse:
    own = operator_of(request).sessions.select_related("operator")
    found = {str(row.pk): row for row in own}.get(request.POST.get("session", ""))
    if found is None:
        raise Http404
    sessions.end_session(session=found, actor=actor_of(request), reason="by herself")
    messages.success(request, _("That session has ended."))
    return HttpResponseRedirect(reverse("admin:account"))


DOING = {
    "password": _change_password,
    "codes": _renew_codes,
    "factor": _offer_factor,
    "confirm": _confirm_factor,
    "end": _end_session,
}
