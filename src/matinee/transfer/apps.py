from django.apps import AppConfig


class TransferConfig(AppConfig):
    name = "matinee.transfer"
    label = "transfer"
