from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "matinee.operations"
    label = "operations"
