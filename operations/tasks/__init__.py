"""What runs by itself for the platform; Celery finds the tasks here."""

from operations.tasks import audits as audits
from operations.tasks import backups as backups
from operations.tasks import objectives as objectives
from operations.tasks import storage as storage
from operations.tasks import stress as stress
