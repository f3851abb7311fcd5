"""A retraining from its first step to its end in one process, for whoever waits for it."""

import time

from mlops.models import Job, Retraining
from mlops.services import datasets, retraining, runs

ALIVE = (Job.Status.QUEUED, Job.Status.RUNNING)
# Another run may be at work: there is one at a time.
PAUSE_S = 1.0


def work_through(*, retraining_id: int) -> Retraining:
    """Do every step that is due until it has ended; workers may take any of them meanwhile."""
    while True:
        retraining.advance(retraining_id=retraining_id)
        row: Retraining = Retraining.objects.select_related("dataset", "run").get(pk=retraining_id)
        if row.status not in ALIVE:
            return row
        if not _done_one(row):
            time.sleep(PAUSE_S)


def _done_one(row: Retraining) -> bool:
    if row.run is not None:
        return row.run.status not in ALIVE or runs.work_run(run_id=row.run.pk) is not None
    if row.dataset is not None and row.dataset.status in ALIVE:
        return datasets.build_dataset(dataset_id=row.dataset.pk) is not None
    return True
