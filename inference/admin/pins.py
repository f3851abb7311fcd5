"""Which version serves a tenant, on its own page; and every choice that tenants made."""

from django import forms
from django.contrib import admin

from inference.admin.models import ModelPage
from inference.models import Family, ModelVersion, TenantPin
from inference.services import pins
from inference.services.model_events import Decision
from inference.services.pins import Place
from tenants.admin.access import TenantPage
from tenants.console import ConsolePage, NamedAction, Order, ReasonForm, TenantFilter, instant
from tenants.models import Tenant
from tenants.roles import Capability

NONE = "-"
WHOSE = {True: "its own choice", False: "as everybody"}


class PinForm(ReasonForm):
    version = forms.ModelChoiceField(
        ModelVersion.objects.filter(status__in=pins.PINNABLE), to_field_name="version"
    )
    family = forms.ChoiceField(choices=Family.choices, initial=Family.NIGHT.value)
    field_order = ("version", "family", "reason")


def _pin(row: Tenant, order: Order) -> ModelVersion:
    return pins.pin_version(
        version=order.answers["version"].version,
        place=Place(row, order.answers["family"]),
        decision=Decision(order.actor, order.reason),
    )


def _unpin(row: TenantPin, order: Order) -> ModelVersion:
    return pins.unpin_version(
        version=row.version.version,
        place=Place(row.tenant, row.family),
        decision=Decision(order.actor, order.reason),
    )


PIN = NamedAction(
    name="pin",
    label="Pin a version",
    done="pinned",
    explains="Every night of the tenant is staged by it from now on, on every process within a "
    "second, whatever is promoted for the others. Where it cannot be loaded, nothing stages them.",
    needs=Capability.MODELS_PIN,
    run=_pin,
    form=PinForm,
)
UNPIN = NamedAction(
    name="unpin",
    label="Unpin",
    done="unpinned",
    explains="What serves everybody serves this tenant too.",
    needs=Capability.MODELS_PIN,
    run=_unpin,
    takes_away=True,
)


@admin.display(description="staged by")
def staged_by(row: Tenant) -> str:
    known = sorted(pins.serving(row).items())
    told = [f"{family}: {version}, {WHOSE[is_own]}" for family, (version, is_own) in known]
    return "; ".join(told) or NONE


TenantPage.also_offer(PIN)
TenantPage.also_show(staged_by, related=(("Pins", TenantPin, "tenant", "slug"),))
ModelPage.also_show(related=(("Pinned by", TenantPin, "q", "version"),))


@admin.register(TenantPin)
class TenantPinPage(ConsolePage):
    """Which tenants are served by a version of their own choice."""

    reads = Capability.MODELS_READ
    menu = "Models"
    place = 90
    plural = "Pins"
    empty = "No tenant pins a version. A tenant's page pins one, and so does manage.py model pin."
    named_actions = (UNPIN,)
    list_display = ["__str__", "tenant", instant("since", "since")]
    list_filter = [TenantFilter, "family"]
    list_select_related = ["tenant", "version"]
    search_fields = ["version__version__exact"]
    search_help_text = "A version."
    fields = ["tenant", "family", "version", instant("since", "since"), "reason"]
