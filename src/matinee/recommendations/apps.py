from django.apps import AppConfig


class RecommendationsConfig(AppConfig):
    name = "matinee.recommendations"
    label = "recommendations"
