"""The named actions of access: each says what it does and calls one service."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings

from noctis import errors
from tenants.console import NamedAction, Order, ReasonForm, calling
from tenants.models import Operator, ServiceClient, ServiceClientKey, Tenant
from tenants.roles import Capability
from tenants.services import clients, credentials, factors, sessions, tenants

Algorithm = ServiceClientKey.Algorithm


def _not_suspendable(row: Tenant) -> str:
    if row.is_platform:
        return "The platform tenant cannot be suspended."
    return "It is suspended already." if row.is_suspended else ""


SUSPEND = NamedAction(
    name="suspend",
    label="Suspend",
    done="suspended",
    explains="Every call of the tenant is refused within five seconds and its people cannot act. "
    "No data is touched, and it can be resumed.",
    needs=Capability.PLATFORM,
    run=calling(tenants.suspend_tenant, "tenant"),
    refusal=_not_suspendable,
)
RESUME = NamedAction(
    name="resume",
    label="Resume",
    done="resumed",
    explains="The tenant's calls are taken again within five seconds.",
    needs=Capability.PLATFORM,
    run=calling(tenants.resume_tenant, "tenant"),
    refusal=lambda row: "" if row.is_suspended else "It is not suspended.",
)


STAGE_LIVE = NamedAction(
    name="stage-live",
    label="Stage live",
    done="staged live",
    explains="Open nights get a stage for each epoch within seconds of its arrival.",
    needs=Capability.CLIENTS_WRITE,
    run=calling(tenants.set_live_staging, "tenant", is_on=True),
    refusal=lambda row: "Its nights are staged live already." if row.stages_live else "",
)
STAGE_AFTERWARDS = NamedAction(
    name="stage-afterwards",
    label="Stage afterwards only",
    done="staged afterwards only",
    explains="Open nights get no stages; every night is staged whole when it is over.",
    needs=Capability.CLIENTS_WRITE,
    run=calling(tenants.set_live_staging, "tenant", is_on=False),
    refusal=lambda row: "" if row.stages_live else "Its nights are not staged live.",
)


DISABLE = NamedAction(
    name="disable",
    label="Disable",
    done="disabled",
    explains="The client's calls are refused within five seconds. Its keys stay as they are.",
    needs=Capability.CLIENTS_WRITE,
    run=calling(clients.set_enabled, "client", is_enabled=False),
    refusal=lambda row: "" if row.is_enabled else "It is disabled already.",
)
ENABLE = NamedAction(
    name="enable",
    label="Enable",
    done="enabled",
    explains="The client may call again with the keys that it has.",
    needs=Capability.CLIENTS_WRITE,
    run=calling(clients.set_enabled, "client", is_enabled=True),
    refusal=lambda row: "It is enabled already." if row.is_enabled else "",
)


def _newest_kid(client: ServiceClient) -> str:
    newest = client.keys.order_by("-created_at", "-pk").values_list("kid", flat=True).first()
    return newest or ""


class RotationForm(ReasonForm):
    algorithm = forms.ChoiceField(
        choices=Algorithm.choices,
        help_text="HS256: the platform makes a secret. Otherwise the client keeps its private key.",
    )
    public_key = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="PEM; for all but HS256.",
    )
    overlap_days = forms.IntegerField(
        label="Overlap, days",
        min_value=0,
        max_value=clients.LONGEST_OVERLAP.days,
        initial=7,
        help_text="So long the old keys are accepted beside the new one.",
    )
    # Submitting the form twice must not rotate twice: the second finds another key than it saw.
    newest = forms.CharField(required=False, widget=forms.HiddenInput)

    @staticmethod
    def initial_for(row: Any) -> dict[str, Any]:
        return {"newest": _newest_kid(row)}


def _rotate(row: ServiceClient, order: Order) -> clients.IssuedKey:
    if _newest_kid(row) != order.answers["newest"]:
        raise errors.PreconditionFailed("Its keys changed since this form was opened. Look again.")
    return clients.rotate_key(
        client=row,
        overlap=timedelta(days=order.answers["overlap_days"]),
        actor=order.actor,
        request=clients.KeyRequest(order.answers["algorithm"], order.answers["public_key"] or None),
        reason=order.reason,
    )


ROTATE = NamedAction(
    name="rotate",
    label="Rotate key",
    done="new key",
    explains="Issues a new key. The old ones are accepted until the overlap is over.",
    needs=Capability.CLIENTS_WRITE,
    run=_rotate,
    form=RotationForm,
    result_template="admin/secret.html",
)


class RevocationForm(ReasonForm):
    although_used = forms.BooleanField(
        label="End it although it was used in the last 24 hours",
        required=False,
        help_text="Otherwise a key that is still used is left alone. Tick it where a key leaked.",
    )


def _revoke(row: ServiceClientKey, order: Order) -> ServiceClientKey:
    return clients.revoke_key(
        key=row,
        actor=order.actor,
        reason=order.reason,
        although_used=bool(order.answers["although_used"]),
    )


REVOKE = NamedAction(
    name="revoke",
    label="Revoke",
    done="revoked",
    explains="Tokens of these keys are refused within five seconds. It cannot be undone: "
    "a client without another key is shut out until a key is rotated for it.",
    needs=Capability.CLIENTS_WRITE,
    run=_revoke,
    form=RevocationForm,
    refusal=lambda row: "It is revoked already." if row.state == row.State.REVOKED else "",
    is_final=True,
)


def _herself(by: Operator, row: Operator) -> str:
    return "On your own page, with your password." if row.pk == by.pk else ""


RESET_PASSWORD = NamedAction(
    name="reset-password",
    label="Reset password",
    done="new password",
    explains="Her password, her sessions and her tokens end. The new password is shown once, and "
    "she has to choose another when she signs in with it.",
    needs=Capability.PLATFORM,
    run=calling(credentials.reset_password, "operator"),
    forbids=_herself,
    result_template="admin/new_password.html",
)
RESET_FACTOR = NamedAction(
    name="reset-second-factor",
    label="Reset second factor",
    done="new second factor",
    explains="Her authenticator and her recovery codes no longer work, and her sessions end. The "
    "new ones are shown once, to be handed over to her and nobody else.",
    needs=Capability.PLATFORM,
    run=calling(credentials.reset_second_factor, "operator"),
    forbids=_herself,
    result_template="admin/new_factor.html",
)


def _has_none(row: Operator) -> str:
    if settings.SECOND_FACTOR_REQUIRED:
        return "Here nobody signs in without a second factor: reset it instead."
    return "" if row.otp_secret else "She has no second factor."


DISABLE_FACTOR = NamedAction(
    name="disable-second-factor",
    label="Disable second factor",
    done="second factor disabled",
    explains="Their sessions end, and their passwords alone sign them in until they enrol a new "
    "authenticator on their own pages.",
    needs=Capability.PLATFORM,
    run=calling(factors.disable_second_factor, "operator"),
    refusal=_has_none,
    forbids=_herself,
)
END_SESSION = NamedAction(
    name="end",
    label="Sign out",
    done="signed out",
    explains="These sessions end with their next request. Nothing else of the operator's changes.",
    needs=Capability.PLATFORM,
    run=calling(sessions.end_session, "session"),
    takes_away=True,
)
