"""What rows of every app tell of a tenant: how much there is of what, and how long it is kept."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db import connection
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from devices.models import Device
from recordings.models import Recording
from tenants.admin.access import TenantPage
from tenants.models import Tenant

COUNTS = """
SELECT (SELECT count(*) FROM (SELECT FROM recordings_recording
          WHERE tenant_id = %(tenant)s AND status <> 'erasing' LIMIT %(most)s) AS some_nights),
       (SELECT count(*) FROM recordings_recording
        WHERE tenant_id = %(tenant)s AND status <> 'erasing'
          AND started_at > now() - interval '24 hours'),
       (SELECT count(*) FROM devices_device WHERE tenant_id = %(tenant)s),
       (SELECT count(*) FROM tenants_serviceclient WHERE tenant_id = %(tenant)s),
       (SELECT count(*) FROM tenants_membership WHERE tenant_id = %(tenant)s),
       (SELECT count(*) FROM inference_stagingattempt
        WHERE tenant_id = %(tenant)s AND failure <> '')
"""
MOST_NIGHTS = 10_001


@admin.display(description="at a glance")
def tiles(row: Tenant) -> SafeString:
    """Numbers with the lists behind them."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, {"tenant": row.pk, "most": MOST_NIGHTS})
        nights, new, devices, clients, members, failing = cursor.fetchone()
    shown = "more than 10,000" if nights >= MOST_NIGHTS else f"{nights:,}"
    told = (
        (_("nights"), shown, _("%(new)s in 24 h") % {"new": new}, "recordings_recording"),
        (_("devices"), f"{devices:,}", "", "devices_device"),
        # Not everybody who sees the number may open the list; who may has a link above.
        (_("service clients"), f"{clients:,}", "", ""),
        (_("members"), f"{members:,}", "", ""),
        (_("nights that could not be staged"), f"{failing:,}", "", "inference_stagingattempt"),
    )
    lines = format_html_join("", TILE, (_tile(row, *one) for one in told))
    return format_html('<ul class="tiles">{}</ul>', lines)


TILE = (
    '<li class="tile"><p class="tile-label">{}</p>'
    '<p class="tile-value">{}</p><p class="tile-note">{}</p></li>'
)


def _tile(row: Tenant, label: str, value: str, note: str, page: str) -> tuple[Any, ...]:
    if not page:
        return label, value, note
    address = f"{reverse(f'admin:{page}_changelist')}?tenant={row.slug}"
    return format_html('<a href="{}">{}</a>', address, label), value, note


@admin.display(description="retention in effect")
def retention(row: Tenant) -> str:
    """A tenant may keep less than the platform, never more."""
    most = settings.EPOCHS_RETENTION_DAYS
    own = row.retention_days
    epochs = min(own, most) if own else most
    source = _("its own choice") if own and own <= most else _("as the platform")
    told = {"epochs": epochs, "source": source, "log": settings.PREDICTIONS_RETENTION_DAYS}
    return _("epochs %(epochs)s days (%(source)s), predictions %(log)s days") % told


TenantPage.also_show(
    tiles,
    retention,
    related=(("Devices", Device, "tenant", "slug"), ("Nights", Recording, "tenant", "slug")),
)
