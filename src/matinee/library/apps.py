from django.apps import AppConfig


class LibraryConfig(AppConfig):
    name = "matinee.library"
    label = "library"
