from django.db.models import F
from django_filters import rest_framework as filters

from films.models import Movie

SORTS = {
    f"{name}.{direction}": (
        F(field).desc(nulls_last=True) if direction == "desc" else F(field).asc(nulls_last=True),
        "tmdb_id",
    )
    for name, field in (
        ("popularity", "popularity"),
        ("vote_average", "vote_average"),
        ("primary_release_date", "release_date"),
        ("revenue", "revenue"),
        ("title", "title"),
    )
    for direction in ("asc", "desc")
}


class MovieFilter(filters.FilterSet):
    with_genres = filters.NumberFilter(field_name="genres")
    with_original_language = filters.CharFilter(field_name="original_language")
    primary_release_year = filters.NumberFilter(field_name="release_date", lookup_expr="year")
    sort_by = filters.ChoiceFilter(choices=[(name, name) for name in SORTS], method="sorted_by")

    class Meta:
        model = Movie
        fields = ()

    def sorted_by(self, queryset, _name, value):
        return queryset.order_by(*SORTS[value])


BOUNDS = {
    "primary_release_date.gte": filters.DateFilter(field_name="release_date", lookup_expr="gte"),
    "primary_release_date.lte": filters.DateFilter(field_name="release_date", lookup_expr="lte"),
    "vote_average.gte": filters.NumberFilter(field_name="vote_average", lookup_expr="gte"),
    "vote_average.lte": filters.NumberFilter(field_name="vote_average", lookup_expr="lte"),
    "vote_count.gte": filters.NumberFilter(field_name="vote_count", lookup_expr="gte"),
    "with_runtime.gte": filters.NumberFilter(field_name="runtime", lookup_expr="gte"),
    "with_runtime.lte": filters.NumberFilter(field_name="runtime", lookup_expr="lte"),
}
MovieFilter.base_filters.update(BOUNDS)  # names with a dot can't be class attributes
