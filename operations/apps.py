"""The app's configuration: what erasing a night takes along from here."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "operations"

    def ready(self) -> None:
        from operations.services.summarising import forget_night  # noqa: PLC0415 - models are ready
        from recordings.services.erasure import also_remove  # noqa: PLC0415 - models are ready

        also_remove(remover=forget_night)
