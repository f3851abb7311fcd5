"""The console's pages that need everything known of a night, and of a model."""

from mlops.admin import datasets as datasets
from mlops.admin import drift as drift
from mlops.admin import evaluations as evaluations
from mlops.admin import experiments as experiments
from mlops.admin import nights as nights
from mlops.admin import origins as origins
from mlops.admin import promotions as promotions
from mlops.admin import replays as replays
from mlops.admin import retrainings as retrainings
