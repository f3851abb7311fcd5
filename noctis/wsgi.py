"""The web process: refuses to start when production's demands are not met, then serves."""

import os

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application

from noctis import checks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "noctis.settings")

application: WSGIHandler = get_wsgi_application()
checks.refuse_to_start_unready()
# Threads share connections here; commands and Celery's single-threaded workers keep one each.
settings.DATABASES["default"]["CONN_MAX_AGE"] = 0
settings.DATABASES["default"]["OPTIONS"]["pool"] = settings.DB_POOL
