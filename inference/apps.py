"""The app's configuration: what the app below takes along when it erases and exports nights."""

from django.apps import AppConfig


class InferenceConfig(AppConfig):
    name = "inference"

    def ready(self) -> None:
        from inference import checks  # noqa: F401, PLC0415 - it registers
        from inference.services.erasure import forget_night  # noqa: PLC0415 - models are ready now
        from inference.services.exports import (  # noqa: PLC0415 - models are ready now
            export_hypnograms,
        )
        from recordings.services.erasure import also_remove  # noqa: PLC0415 - models are ready now

        also_remove(remover=forget_night)
        export_hypnograms()
