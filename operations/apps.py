"""The app's configuration: what erasing a night takes along, and faults on purpose."""

from django.apps import AppConfig
from django.conf import settings


class OperationsConfig(AppConfig):
    name = "operations"

    def ready(self) -> None:
        from operations.services.summarising import forget_night  # noqa: PLC0415 - models are ready
        from recordings.services.erasure import also_remove  # noqa: PLC0415 - models are ready

        also_remove(remover=forget_night)
        if settings.FAULTS_ENABLED:
            from noctis import faults as house  # noqa: PLC0415 - models are ready
            from operations.services import faults  # noqa: PLC0415 - models are ready

            house.source = faults.active
