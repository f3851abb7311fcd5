"""Whatever the overview knows at one moment, as one reader may know it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from noctis import histograms, metrics
from noctis.dashboard import queries
from noctis.dashboard.queries import Platform, Row, Staging
from noctis.dashboard.ranges import Window
from noctis.models import Traffic
from tenants.models import Operator, ServiceClientKey, Tenant
from tenants.roles import Capability

BOUNDS: list[float] = [float(bound) for bound in metrics.INFERENCE_BUCKETS]


@dataclass(frozen=True)
class Reading:
    """`platform`, `traffic` and `schedules` are None for whoever does not read the installation,
    and where one tenant alone is looked at: nobody counts them by tenant."""

    window: Window
    at: datetime
    nights: list[Row]
    staged: list[Row]
    devices: dict[str, int]
    staging: Staging
    keys: list[ServiceClientKey] | None = None
    platform: Platform | None = None
    traffic: list[Traffic] | None = None
    schedules: list[PeriodicTask] = field(default_factory=list)

    @cached_property
    def columns(self) -> list[list[Traffic]]:
        """The spans of each column; of a column without any nothing is known."""
        found: list[list[Traffic]] = [[] for _ in range(self.window.range.columns)]
        for span in self.traffic or []:
            place = self.window.column(span.at)
            if place >= 0:
                found[place].append(span)
        return found

    @cached_property
    def earlier(self) -> list[Traffic]:
        """The spans of the window before."""
        return [span for span in self.traffic or [] if self.window.column(span.at) < 0]

    @cached_property
    def spans(self) -> list[Traffic]:
        return [span for column in self.columns for span in column]

    def by_column(self, rows: Sequence[Row], value: int) -> tuple[float, list[float]]:
        """What there was before, and in each column; rows tell everything, so none is 0."""
        before, columns = 0.0, [0.0] * self.window.range.columns
        for row in rows:
            if row[0] < 0:
                before += row[value] or 0
            else:
                columns[row[0]] += row[value] or 0
        return before, columns


def read(window: Window, person: Operator, tenants: Sequence[Tenant], *, whole: bool) -> Reading:
    """At most nine questions; `whole` is the installation and not one tenant of it."""
    pks = [tenant.pk for tenant in tenants]
    at = timezone.now()
    sees_keys = person.reach(Capability.CLIENTS_READ)
    of_keys = pks if sees_keys is None else [pk for pk in pks if pk in sees_keys]
    is_platform = whole and person.may(Capability.PLATFORM_READ)
    schedules = PeriodicTask.objects.select_related("interval", "crontab", "solar", "clocked")
    return Reading(
        window=window,
        at=at,
        nights=queries.nights(window, pks),
        staged=queries.staged(window, pks),
        devices=queries.devices(pks, at),
        staging=queries.staging(pks),
        keys=queries.keys_due(of_keys, at) if of_keys else None,
        platform=queries.platform() if is_platform else None,
        traffic=queries.traffic(window) if is_platform else None,
        schedules=list(schedules) if is_platform else [],
    )


def predicting(spans: Sequence[Traffic], share: float) -> float | None:
    """A percentile of the answers with predictions, in milliseconds."""
    counts = histograms.summed([span.predicting for span in spans])
    found = histograms.percentile(counts, BOUNDS, share)
    return None if found is None else found * 1000


def counted(spans: Sequence[Traffic], name: str) -> int:
    return sum(getattr(span, name) for span in spans)


def failing(spans: Sequence[Traffic]) -> float | None:
    """The share of answers that were our fault, in percent; None where nobody asked."""
    asked = sum(span.answered + span.refused + span.failed for span in spans)
    return 100 * counted(spans, "failed") / asked if asked else None
