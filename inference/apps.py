"""The app's configuration: what erasing a night takes along from here."""

from django.apps import AppConfig


class InferenceConfig(AppConfig):
    name = "inference"

    def ready(self) -> None:
        from inference.services.erasure import forget_night  # noqa: PLC0415 - models are ready now
        from recordings.services.erasure import also_remove  # noqa: PLC0415 - models are ready now

        also_remove(remover=forget_night)
