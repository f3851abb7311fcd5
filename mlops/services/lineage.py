"""Where a version comes from: its run, its snapshot, and how many of one's own nights are in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from inference import provenance
from inference.models import ModelVersion
from mlops.models import Dataset, DatasetNight, Job, TrainingRun
from tenants.models import Tenant

MOST_NIGHTS = 100


@dataclass(frozen=True)
class Origin:
    """`run` is None where a command or another tenant made the version: whose it is stays untold.

    What its manifest says of its training is everybody's to read, but not of whom it was."""

    version: ModelVersion
    run: TrainingRun | None
    own_nights: int
    own_newest: Sequence[DatasetNight]

    @property
    def dataset(self) -> Dataset | None:
        return None if self.run is None else self.run.dataset

    @property
    def training(self) -> dict[str, Any]:
        return provenance.told(self._manifest)

    @property
    def snapshot(self) -> str:
        """The checksum of the nights that it was fitted to, for whom the run is."""
        known = self._manifest.get("recipe", {}).get("snapshot", "")
        return str(known) if self.run else ""

    @property
    def _manifest(self) -> dict[str, Any]:
        known: dict[str, Any] = self.version.metadata.get("training", {})
        return known


def origin_of(*, version: ModelVersion, tenant: Tenant) -> Origin:
    """Walk back from a version, as far as one tenant may know."""
    run = run_of(version=version)
    if run is None:
        return Origin(version, None, 0, ())
    members = DatasetNight.objects.filter(dataset=run.dataset, night_tenant=tenant)
    newest = list(members.select_related("recording").order_by("-id")[:MOST_NIGHTS])
    count = len(newest) if len(newest) < MOST_NIGHTS else members.count()
    return Origin(version, run if run.tenant_id == tenant.pk else None, count, newest)


def run_of(*, version: ModelVersion) -> TrainingRun | None:
    """The run that made a version; None for what a command made or what ships."""
    done = TrainingRun.objects.filter(version=version, status=Job.Status.DONE)
    found: TrainingRun | None = done.select_related("experiment", "dataset__schema").first()
    return found
