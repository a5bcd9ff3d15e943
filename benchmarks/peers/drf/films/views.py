from django.db.models import Count, Prefetch
from django.shortcuts import get_object_or_404
from rest_framework import generics, mixins, permissions, status, viewsets
from rest_framework.response import Response
from rest_framework.views import APIView

from films.filters import SORTS, MovieFilter
from films.models import Favorite, Genre, Movie, MovieRating
from films.serializers import (
    CardSerializer,
    DetailSerializer,
    FavoriteSerializer,
    MyCardSerializer,
    MyDetailSerializer,
    RatingSerializer,
)


class GenreNames:
    def get_serializer_context(self):
        return {**super().get_serializer_context(), "genre_names": dict(Genre.objects.values_list("id", "name"))}


class MovieViewSet(GenreNames, viewsets.ReadOnlyModelViewSet):
    permission_classes = (permissions.AllowAny,)
    filterset_class = MovieFilter
    lookup_field = "tmdb_id"

    def get_queryset(self):
        movies = Movie.objects.order_by(*SORTS["popularity.desc"])
        return movies.with_flags(self.request.user) if self.request.user.is_authenticated else movies

    def get_serializer_class(self):
        signed_in = self.request.user.is_authenticated
        if self.action == "retrieve":
            return MyDetailSerializer if signed_in else DetailSerializer
        return MyCardSerializer if signed_in else CardSerializer


class FavoriteViewSet(GenreNames, mixins.ListModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet):
    serializer_class = FavoriteSerializer
    filter_backends = ()
    lookup_field = "movie__tmdb_id"
    lookup_url_kwarg = "tmdb_id"

    def get_queryset(self):
        movies = Movie.objects.with_flags(self.request.user)
        mine = Favorite.objects.filter(user=self.request.user).order_by("-created_at", "-id")
        return mine.prefetch_related(Prefetch("movie", queryset=movies))

    def create(self, request):
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        favorite = serializer.save(user=request.user)
        favorite.movie = Movie.objects.with_flags(request.user).get(pk=favorite.movie_id)
        return Response(serializer.data, status=status.HTTP_201_CREATED if serializer.is_new else status.HTTP_200_OK)


class RateView(generics.GenericAPIView):
    serializer_class = RatingSerializer

    def post(self, request, tmdb_id):
        movie = get_object_or_404(Movie, tmdb_id=tmdb_id)
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        rating, is_new = MovieRating.objects.update_or_create(
            user=request.user, movie=movie, defaults=serializer.validated_data
        )
        answer = {**self.get_serializer(rating).data, **opinion_of(movie)}
        return Response(answer, status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    def delete(self, request, tmdb_id):
        MovieRating.objects.filter(user=request.user, movie__tmdb_id=tmdb_id).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class GenreView(APIView):
    permission_classes = (permissions.AllowAny,)

    def get(self, _request):
        return Response({"genres": list(Genre.objects.values("id", "name"))})


def opinion_of(movie):
    counts = dict(movie.ratings.values_list("rating").annotate(Count("id")).order_by())
    number = sum(counts.values())
    return {
        "average": round(sum(stars * n for stars, n in counts.items()) / number, 2) if number else None,
        "count": number,
        "distribution": {str(stars): counts.get(stars, 0) for stars in range(1, 6)},
    }
