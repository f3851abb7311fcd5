"""What rows above the devices' app tell of a device: its nights as a strip of days, their gaps."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet, Sum
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from devices.admin import DevicePage
from devices.models import Device
from noctis import charts
from noctis.charts import Caption, Day
from recordings.models import Recording

SHOWN = timedelta(days=72)  # two rows of the strip
EPOCHS_OF_A_NIGHT = 960.0


@admin.display(description="epochs by night")
def epochs_by_night(row: Device) -> SafeString:
    """The last weeks, a cell for each night; one without a recording is none, not unknown."""
    last = timezone.now().date()
    first = last - SHOWN + timedelta(days=1)
    counted = _counted(row, first)
    days = [_day(first + timedelta(days=nth), counted) for nth in range(SHOWN.days)]
    caption = Caption(
        _("Epochs by night"),
        _("The darker a night, the more epochs came of it; a full cell is eight hours."),
    )
    return charts.calendar(caption, days, EPOCHS_OF_A_NIGHT, _("epochs"))


def _counted(row: Device, first: date) -> dict[date, dict[str, int]]:
    owned: QuerySet[Any] = Recording.objects.owned_by(row.tenant_id).filter(device=row)
    nights = owned.filter(night_on__gte=first).values("night_on")
    found: dict[date, dict[str, int]] = defaultdict(dict)
    # The last index is of an epoch that came: what is missing before it is a gap.
    for night in nights.annotate(
        count=Count("pk"), epochs=Sum("epoch_count"), last=Sum("last_index")
    ).order_by():
        found[night["night_on"]] = night
    return found


def _day(on: date, counted: dict[date, dict[str, int]]) -> Day:
    night = counted.get(on)
    if not night:
        return Day(on, 0, _("no recording"))
    gaps = (night["last"] or 0) + night["count"] - night["epochs"] if night["epochs"] else 0
    note = _("%(gaps)s epochs missing in between") % {"gaps": gaps} if gaps > 0 else ""
    return Day(on, night["epochs"], note)


DevicePage.also_show(epochs_by_night, related=(("Nights", Recording, "q", "external_id"),))
