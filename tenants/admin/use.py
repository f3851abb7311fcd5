"""How often keys and clients called, day by day, as charts."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from noctis import charts
from noctis.charts import Caption, Series
from tenants.models import KeyDay

DAYS = 30


def by_day(tenant_id: int, kids: Sequence[str]) -> SafeString:
    """Calls that were answered and refused, by UTC day; days without a row had none."""
    today = timezone.now().date()
    days = [today - timedelta(days=DAYS - 1 - nth) for nth in range(DAYS)]
    answered, refused = _counted(tenant_id, kids, days[0])
    caption = Caption(
        _("Calls by day"),
        _("UTC days; written once a minute, so that the newest minute may be missing."),
        _("No call was counted in the last 30 days."),
    )
    if not answered and not refused:
        return charts.stacked_bars(caption, Series([], {}))
    values = {
        "answered": [float(answered[day]) for day in days],
        "refused": [float(refused[day]) for day in days],
    }
    return charts.stacked_bars(caption, Series([f"{day:%d %b}" for day in days], values))


def _counted(
    tenant_id: int, kids: Sequence[str], since: date
) -> tuple[Counter[date], Counter[date]]:
    owned: QuerySet[KeyDay] = KeyDay.objects.owned_by(tenant_id)
    answered: Counter[date] = Counter()
    refused: Counter[date] = Counter()
    for row in owned.filter(kid__in=kids, on__gte=since):
        answered[row.on] += max(row.calls - row.refused, 0)
        refused[row.on] += row.refused
    return answered, refused
