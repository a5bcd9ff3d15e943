import datetime as dt
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    desc,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, query_expression, relationship

IMAGES = "https://image.tmdb.org/t/p"
Id = BigInteger().with_variant(Integer, "sqlite")


def utc_now():
    return dt.datetime.now(dt.UTC)


class Instant(TypeDecorator):
    """SQLite keeps no time zone: all of it is UTC."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value, _dialect):
        return value and value.astimezone(dt.UTC).replace(tzinfo=None)

    def process_result_value(self, value, _dialect):
        return value and value.replace(tzinfo=dt.UTC)


class Base(DeclarativeBase):
    type_annotation_map: ClassVar = {dt.datetime: Instant, list[Any]: JSON}


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    username: Mapped[str] = mapped_column(String(150), unique=True)
    password: Mapped[str | None] = mapped_column(String(200))
    is_active: Mapped[bool] = mapped_column(default=True)


class Genre(Base):
    __tablename__ = "genres"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))


movie_genres = Table(
    "movie_genres",
    Base.metadata,
    Column("movie_id", ForeignKey("movies.id", ondelete="CASCADE"), primary_key=True),
    Column("genre_id", ForeignKey("genres.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Movie(Base):
    __tablename__ = "movies"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    tmdb_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    title: Mapped[str] = mapped_column(String(500))
    original_title: Mapped[str | None] = mapped_column(String(500))
    overview: Mapped[str | None] = mapped_column(Text)
    tagline: Mapped[str | None] = mapped_column(Text)
    poster_path: Mapped[str | None] = mapped_column(String(200))
    backdrop_path: Mapped[str | None] = mapped_column(String(200))
    release_date: Mapped[dt.date | None]
    runtime: Mapped[int | None]
    vote_average: Mapped[float | None]
    vote_count: Mapped[int | None]
    popularity: Mapped[float | None]
    genre_ids: Mapped[list[Any]]
    media_type: Mapped[str] = mapped_column(String(10), default="movie")
    imdb_id: Mapped[str | None] = mapped_column(String(12))
    original_language: Mapped[str | None] = mapped_column(String(10))
    budget: Mapped[int | None] = mapped_column(BigInteger)
    revenue: Mapped[int | None] = mapped_column(BigInteger)
    status: Mapped[str | None] = mapped_column(String(50))
    production_companies: Mapped[list[Any]]
    production_countries: Mapped[list[Any]]
    spoken_languages: Mapped[list[Any]]
    keywords: Mapped[list[Any]]
    directors: Mapped[list[Any]]
    cast: Mapped[list[Any]]
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]

    genre_rows: Mapped[list[Genre]] = relationship(secondary=movie_genres)  # the same genres, to filter by
    is_favorite: Mapped[bool] = query_expression()
    in_watchlist: Mapped[bool] = query_expression()
    user_rating: Mapped[int | None] = query_expression()

    __table_args__ = (
        Index("movie_by_popularity", desc("popularity"), "tmdb_id"),
        Index("movie_by_vote_average", desc("vote_average"), "tmdb_id"),
    )

    @property
    def poster_url(self):
        return f"{IMAGES}/w500{self.poster_path}" if self.poster_path else None

    @property
    def backdrop_url(self):
        return f"{IMAGES}/w1280{self.backdrop_path}" if self.backdrop_path else None


def once_per_user_and_movie(table):
    return (
        UniqueConstraint("user_id", "movie_id"),
        Index(f"{table}_newest_first", "user_id", desc("created_at"), desc("id")),
    )


class OfUserAndMovie:
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    movie_id: Mapped[int] = mapped_column(ForeignKey("movies.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[dt.datetime] = mapped_column(default=utc_now)


class Favorite(OfUserAndMovie, Base):
    __tablename__ = "favorites"
    __table_args__ = once_per_user_and_movie(__tablename__)
    movie: Mapped[Movie] = relationship()


class Watchlist(OfUserAndMovie, Base):
    __tablename__ = "watchlist"
    __table_args__ = once_per_user_and_movie(__tablename__)


class MovieRating(OfUserAndMovie, Base):
    __tablename__ = "ratings"
    __table_args__ = once_per_user_and_movie(__tablename__)
    rating: Mapped[int] = mapped_column(CheckConstraint("rating BETWEEN 1 AND 5"))
    review: Mapped[str] = mapped_column(Text, default="")
    updated_at: Mapped[dt.datetime] = mapped_column(default=utc_now, onupdate=utc_now)
