"""The console's pages of the platform's own health."""

from operations.admin import audits as audits
from operations.admin import backups as backups
from operations.admin import circuits as circuits
from operations.admin import faults as faults
from operations.admin import monitoring as monitoring
from operations.admin import objectives as objectives
from operations.admin import storage as storage
from operations.admin import stress as stress
