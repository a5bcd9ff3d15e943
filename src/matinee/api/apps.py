from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "matinee.api"
    label = "api"
