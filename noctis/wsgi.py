"""The web process: refuses to start when production's demands are not met, then serves."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from noctis import checks, slow_bodies
from noctis.line import Rank

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "noctis.settings")

from noctis import overload  # what it stands on reads the settings

_platform = slow_bodies.bounded(get_wsgi_application())
application = overload.Application(
    _platform,
    {Rank.INGEST: settings.INGEST_IN_FLIGHT, Rank.OTHER: settings.OTHER_IN_FLIGHT},
)
checks.refuse_to_start_unready()
_database = settings.DATABASES["default"]
# A request is bounded; commands and tasks may take their time.
_database["OPTIONS"]["statement_timeout_s"] = settings.REQUEST_TIMEOUT_SECONDS
if settings.DB_POOL["max_size"]:
    _database["CONN_MAX_AGE"] = 0
    _database["OPTIONS"]["pool"] = settings.DB_POOL

from inference import serving  # noqa: E402 - its rows need the apps, which are loaded by now

# What serves is loaded beside the first requests instead of within one.
serving.follow()
