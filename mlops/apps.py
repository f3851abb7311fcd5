"""The app's configuration: what it takes of each staged night, and gives up with an erased one."""

from django.apps import AppConfig


class MlopsConfig(AppConfig):
    name = "mlops"

    def ready(self) -> None:
        from inference.services.staging import also_tell  # noqa: PLC0415 - models are ready now
        from mlops.services import drift  # noqa: PLC0415 - models are ready now
        from recordings.services.erasure import also_remove  # noqa: PLC0415 - models are ready now

        also_tell(observer=drift.sketch_night)
        also_remove(remover=drift.forget_night)
