"""The platform as gunicorn serves it, with less patience than a test has."""

import os

from django.core.wsgi import get_wsgi_application

from noctis import slow_bodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "noctis.settings")
application = slow_bodies.bounded(get_wsgi_application(), silence_s=0.5)
