from django.urls import path
from rest_framework_simplejwt.views import TokenObtainPairView

from films import views

urlpatterns = [
    path("users/login/", TokenObtainPairView.as_view()),
    path("movies/", views.MovieViewSet.as_view({"get": "list"})),
    path("movies/genres/", views.GenreView.as_view()),
    path("movies/favorites/", views.FavoriteViewSet.as_view({"get": "list", "post": "create"})),
    path("movies/favorites/<int:tmdb_id>/", views.FavoriteViewSet.as_view({"delete": "destroy"})),
    path("movies/<int:tmdb_id>/", views.MovieViewSet.as_view({"get": "retrieve"})),
    path("movies/<int:tmdb_id>/rate/", views.RateView.as_view()),
]
