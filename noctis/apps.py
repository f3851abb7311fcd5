"""App configurations: the platform's own checks and commands, and the console as admin site."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.urls import register_converter

from noctis import converters


class NoctisConfig(AppConfig):
    name = "noctis"

    def ready(self) -> None:
        from noctis import celery, checks, metrics, outcomes  # noqa: F401, PLC0415 - they register

        # Before any route is read that names it.
        register_converter(converters.Id, "id")


class ConsoleConfig(AdminConfig):
    default_site = "noctis.dashboard.site.Console"
