"""What stands above everything while it is true, and what waits for somebody."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from noctis.dashboard.punctuality import is_overdue
from noctis.dashboard.queries import Platform
from noctis.dashboard.reading import Reading, counted
from operations.services.backup.freshness import TOO_OLD


@dataclass(frozen=True)
class Notice:
    """`tone` is info, warn or alert."""

    tone: str
    text: str
    url: str = ""


def banners(reading: Reading) -> list[Notice]:
    found = [*_keys(reading)]
    if reading.platform is not None:
        found += [*_of_platform(reading, reading.platform)]
    return found


def _keys(reading: Reading) -> Iterator[Notice]:
    if reading.keys:
        count = len(reading.keys)
        text = ngettext("A key ends within 7 days.", "%(n)s keys or more end within 7 days.", count)
        yield Notice("warn", text % {"n": count}, _keys_url())


def _keys_url() -> str:
    return f"{reverse('admin:tenants_serviceclientkey_changelist')}?ends=soon"


def _of_platform(reading: Reading, found: Platform) -> Iterator[Notice]:
    if counted(reading.spans, "circuit_opened"):
        text = _("In this range processes gave the database up for a while.")
        yield Notice("alert", text, reverse("admin:circuits"))
    if found.broken_objectives:
        text = _("Broken objectives: %(names)s.") % {"names": ", ".join(found.broken_objectives)}
        yield Notice("alert", text, reverse("admin:operations_objective_changelist"))
    yield from _backup(reading, found)
    overdue = [row.name for row in reading.schedules if is_overdue(row, reading.at)]
    if overdue:
        text = _("Overdue: %(names)s.") % {"names": ", ".join(overdue)}
        yield Notice("alert", text, reverse("admin:django_celery_beat_periodictask_changelist"))
    if not settings.PRODUCTION:
        yield Notice("info", _("This is no production system: it is for trying out."))
    if not settings.SECOND_FACTOR_REQUIRED:
        yield Notice("info", _("Operators may sign in without a second factor here."))


def _backup(reading: Reading, found: Platform) -> Iterator[Notice]:
    url = reverse("admin:operations_backup_changelist")
    if found.backup == "failed":
        yield Notice("alert", _("The last backup failed."), url)
    if found.restore not in (None, "equal"):
        yield Notice("alert", _("The last restore was not equal to what was written."), url)
    since = found.backed_up_at or found.began_at
    if since is not None and reading.at - since > TOO_OLD:
        yield Notice("alert", _("The newest backup is older than 36 hours, or missing."), url)


def needs(reading: Reading) -> list[Notice]:
    """Each with the list where it can be dealt with."""
    return [*_of_staging(reading), *_of_keys(reading), *_of_jobs(reading)]


def _of_staging(reading: Reading) -> Iterator[Notice]:
    if failing := reading.staging.failing:
        text = ngettext(
            "%(n)s night could not be staged", "%(n)s nights could not be staged", failing
        )
        url = reverse("admin:inference_stagingattempt_changelist")
        yield Notice("alert", text % {"n": failing}, url)
    if silent := reading.devices["silent"]:
        text = ngettext("%(n)s device is silent", "%(n)s devices are silent", silent)
        url = f"{reverse('admin:devices_device_changelist')}?heard=silent"
        yield Notice("warn", text % {"n": silent}, url)


def _of_keys(reading: Reading) -> Iterator[Notice]:
    for key in reading.keys or []:
        told = {"kid": key.kid, "client": key.client, "end": f"{key.expires_at:%Y-%m-%d %H:%M} UTC"}
        text = _("Key %(kid)s of %(client)s ends %(end)s") % told
        yield Notice("warn", text, reverse("admin:tenants_serviceclientkey_change", args=[key.pk]))


def _of_jobs(reading: Reading) -> Iterator[Notice]:
    if reading.platform is None:
        return
    if failing := reading.platform.tasks_failing:
        text = ngettext("%(n)s job failed last", "%(n)s jobs failed last", failing)
        url = f"{reverse('admin:noctis_taskoutcome_changelist')}?is_failed__exact=1"
        yield Notice("alert", text % {"n": failing}, url)
    if refused := counted(reading.spans, "sign_ins_refused"):
        text = ngettext(
            "%(n)s sign-in was refused in this range",
            "%(n)s sign-ins were refused in this range",
            refused,
        )
        yield Notice("warn", text % {"n": refused})
