"""One rule of the platform broken, for a worker to include: stages go first, alone."""

import time

from inference.models import Pass
from inference.services import staging
from inference.services.staging import Found, Judged
from inference.serving import Served

_judge = staging._judge


def _judge_and_log(found: Found, served: Served) -> Judged:
    """Committed before the hypnogram is, with long enough between for a kill or an epoch."""
    judged = _judge(found, served)
    staging._log(found, served, judged, Pass.NIGHT)
    time.sleep(0.3)
    return judged


staging._judge = _judge_and_log
