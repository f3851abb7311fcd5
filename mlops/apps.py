"""The app's configuration: what it takes of nights, gives up with them, and guards."""

from django.apps import AppConfig


class MlopsConfig(AppConfig):
    name = "mlops"

    def ready(self) -> None:
        from inference.services.guards import also_ask  # noqa: PLC0415 - models are ready now
        from inference.services.staging import also_tell  # noqa: PLC0415 - models are ready now
        from mlops.services import (  # noqa: PLC0415 - models are ready now
            datasets,
            drift,
            gates,
            replaying,
        )
        from recordings.services.erasure import also_remove  # noqa: PLC0415 - models are ready now

        also_ask(guard=gates.guard_step)
        also_tell(observer=drift.sketch_night)
        also_remove(remover=drift.forget_night)
        also_remove(remover=datasets.forget_night)
        also_remove(remover=replaying.forget_night)
