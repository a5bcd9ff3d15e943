from rest_framework import serializers

from films.models import Favorite, Movie, MovieRating

IMAGES = "https://image.tmdb.org/t/p"


class CardSerializer(serializers.ModelSerializer):
    """Wants `genre_names` in its context; flags are there where the query annotated them."""

    genres = serializers.SerializerMethodField()
    poster_url = serializers.SerializerMethodField()
    backdrop_url = serializers.SerializerMethodField()

    class Meta:
        model = Movie
        fields = (
            "id",
            "tmdb_id",
            "imdb_id",
            "title",
            "overview",
            "tagline",
            "release_date",
            "runtime",
            "genre_ids",
            "genres",
            "original_language",
            "media_type",
            "vote_average",
            "vote_count",
            "popularity",
            "poster_path",
            "poster_url",
            "backdrop_path",
            "backdrop_url",
        )

    def get_genres(self, movie):
        names = self.context["genre_names"]
        return [names[id_] for id_ in movie.genre_ids if id_ in names]

    def get_poster_url(self, movie):
        return f"{IMAGES}/w500{movie.poster_path}" if movie.poster_path else None

    def get_backdrop_url(self, movie):
        return f"{IMAGES}/w1280{movie.backdrop_path}" if movie.backdrop_path else None


class MyCardSerializer(CardSerializer):
    is_favorite = serializers.BooleanField(read_only=True)
    in_watchlist = serializers.BooleanField(read_only=True)
    user_rating = serializers.IntegerField(read_only=True)

    class Meta(CardSerializer.Meta):
        fields = (*CardSerializer.Meta.fields, "is_favorite", "in_watchlist", "user_rating")


MORE_FACTS = (
    "budget",
    "revenue",
    "status",
    "production_companies",
    "production_countries",
    "spoken_languages",
    "created_at",
    "updated_at",
    "original_title",
    "keywords",
    "directors",
    "cast",
)


class DetailSerializer(CardSerializer):
    class Meta(CardSerializer.Meta):
        fields = (*CardSerializer.Meta.fields, *MORE_FACTS)


class MyDetailSerializer(MyCardSerializer):
    class Meta(MyCardSerializer.Meta):
        fields = (*MyCardSerializer.Meta.fields, *MORE_FACTS)


class FavoriteSerializer(serializers.ModelSerializer):
    movie_id = serializers.SlugRelatedField(
        source="movie", slug_field="tmdb_id", queryset=Movie.objects.all(), write_only=True
    )
    movie = MyCardSerializer(read_only=True)

    class Meta:
        model = Favorite
        fields = ("movie_id", "movie", "created_at")
        read_only_fields = ("created_at",)

    def create(self, validated_data):
        favorite, self.is_new = Favorite.objects.get_or_create(**validated_data)
        return favorite

    def to_representation(self, favorite):
        entry = super().to_representation(favorite)
        return {**entry.pop("movie"), **entry}


class RatingSerializer(serializers.ModelSerializer):
    rating = serializers.IntegerField(min_value=1, max_value=5)
    review = serializers.CharField(required=False, max_length=10_000, allow_blank=True)

    class Meta:
        model = MovieRating
        fields = ("rating", "review", "created_at", "updated_at")
        read_only_fields = ("created_at", "updated_at")
