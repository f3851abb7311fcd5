"""The console's pages that need everything known of a night, and of a model."""

from mlops.admin import evaluations as evaluations
from mlops.admin import nights as nights
