from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "matinee.core.jobs"
    label = "jobs"
