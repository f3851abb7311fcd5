"""An operator's own page: her password, her recovery codes, where she is signed in."""

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

from noctis import errors
from tenants.console import sign_in
from tenants.console.who import actor_of, operator_of
from tenants.models import ConsoleSession
from tenants.services import credentials, sessions

Site = Any
ADDRESS = "account/"


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


def page(site: Site, request: HttpRequest) -> HttpResponse:
    """GET shows; POST does what its `do` says. A given password opens nothing but its change."""
    if request.method != "POST":
        return _shown(site, request, PasswordForm(), CodesForm())
    doing = DOING.get(request.POST.get("do", ""))
    if doing is None:
        raise Http404
    if operator_of(request).must_change_password and doing is not _change_password:
        raise PermissionDenied
    return doing(site, request)


def _shown(
    site: Site, request: HttpRequest, password: forms.Form, codes: forms.Form
) -> HttpResponse:
    person = operator_of(request)
    unused = person.recovery_codes.filter(used_at=None).count()
    context = {
        **site.each_context(request),
        "title": _("Your account"),
        "person": person,
        "password_form": password,
        "codes_form": codes,
        "unused_codes": unused,
        "sessions": _sessions(request),
        "here": request.session.session_key,
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
    return _shown(site, request, form, CodesForm())


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
            context = {**site.each_context(request), "title": _("Recovery codes"), "codes": codes}
            response = TemplateResponse(request, "admin/codes.html", context)
            response["Cache-Control"] = "no-store"
            return response
    return _shown(site, request, PasswordForm(), form)


def _end_session(site: Site, request: HttpRequest) -> HttpResponse:
    own = operator_of(request).sessions.select_related("operator")
    found = {str(row.pk): row for row in own}.get(request.POST.get("session", ""))
    if found is None:
        raise Http404
    sessions.end_session(session=found, actor=actor_of(request), reason="by herself")
    messages.success(request, _("That session has ended."))
    return HttpResponseRedirect(reverse("admin:account"))


DOING = {"password": _change_password, "codes": _renew_codes, "end": _end_session}
