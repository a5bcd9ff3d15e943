from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "matinee.operations"
    label = "operations"

    def ready(self) -> None:
        from matinee.operations.metrics import STARTED  # noqa: PLC0415 - models are loaded only now

        STARTED.set_to_current_time()
