from collections.abc import Sequence
from math import ceil
from typing import Annotated

from fastapi import APIRouter, FastAPI, HTTPException, Path, Query, Request, Response
from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import selectinload, with_expression

from films.authentication import MaybeUser, Me, new_token, passwords
from films.database import Session
from films.filters import Filter
from films.models import Favorite, Genre, Movie, MovieRating, User, Watchlist
from films.schemas import (
    Card,
    Detail,
    FavoriteIn,
    FavoriteOut,
    Genres,
    Login,
    MyCard,
    MyDetail,
    Page,
    RatingIn,
    RatingOut,
    Tokens,
)

router = APIRouter(prefix="/api/v1")
TmdbId = Annotated[int, Path(gt=0)]


@router.post("/users/login/")
async def login(body: Login, session: Session) -> Tokens:
    user = await session.scalar(select(User).where(User.username == body.username))
    if user is None or not user.password or not passwords.verify(body.password, user.password):
        raise HTTPException(401)
    return Tokens(access=new_token(user))


@router.get("/movies/genres/")
async def list_genres(session: Session) -> Genres:
    return Genres.model_validate({"genres": (await session.scalars(select(Genre).order_by(Genre.name))).all()})


@router.get("/movies/", response_model=Page[MyCard] | Page[Card])
async def list_movies(request: Request, wanted: Filter, session: Session, user: MaybeUser):
    conditions = wanted.conditions()
    total = await session.scalar(select(func.count()).select_from(Movie).where(*conditions))
    films = select(Movie).where(*conditions).order_by(*wanted.order()).options(*flags_of(user))
    found = await session.scalars(films.offset((wanted.page - 1) * wanted.page_size).limit(wanted.page_size))
    names = await genre_names(session)
    kind = MyCard if user else Card
    return page_of(request, wanted.page, wanted.page_size, total, [film_as(kind, film, names) for film in found])


@router.get("/movies/favorites/")
async def list_favorites(
    request: Request,
    session: Session,
    user: Me,
    page: Annotated[int, Query(ge=1)] = 1,
    page_size: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Page[FavoriteOut]:
    mine = Favorite.user_id == user.id
    total = await session.scalar(select(func.count()).select_from(Favorite).where(mine))
    newest = select(Favorite).where(mine).order_by(Favorite.created_at.desc(), Favorite.id.desc())
    newest = newest.options(selectinload(Favorite.movie).options(*flags_of(user)))
    favorites = await session.scalars(newest.offset((page - 1) * page_size).limit(page_size))
    names = await genre_names(session)
    return page_of(request, page, page_size, total, [favorite_of(favorite, names) for favorite in favorites])


@router.post("/movies/favorites/", status_code=201)
async def add_favorite(body: FavoriteIn, response: Response, session: Session, user: Me) -> FavoriteOut:
    movie = await session.scalar(select(Movie).where(Movie.tmdb_id == body.movie_id))
    if movie is None:
        raise HTTPException(404)
    mine = select(Favorite).where(Favorite.user_id == user.id, Favorite.movie_id == movie.id)
    favorite = await session.scalar(mine)
    if favorite is None:
        favorite = Favorite(user_id=user.id, movie_id=movie.id)
        session.add(favorite)
        await session.commit()
    else:
        response.status_code = 200
    with_flags = selectinload(Favorite.movie).options(*flags_of(user))
    favorite = await session.scalar(mine.options(with_flags).execution_options(populate_existing=True))
    return favorite_of(favorite, await genre_names(session))


@router.delete("/movies/favorites/{tmdb_id}/", status_code=204)
async def remove_favorite(tmdb_id: TmdbId, session: Session, user: Me) -> None:
    movie = select(Movie.id).where(Movie.tmdb_id == tmdb_id).scalar_subquery()
    await session.execute(delete(Favorite).where(Favorite.user_id == user.id, Favorite.movie_id == movie))
    await session.commit()


@router.get("/movies/{tmdb_id}/", response_model=MyDetail | Detail)
async def get_movie(tmdb_id: TmdbId, session: Session, user: MaybeUser):
    movie = await session.scalar(select(Movie).where(Movie.tmdb_id == tmdb_id).options(*flags_of(user)))
    if movie is None:
        raise HTTPException(404)
    return film_as(MyDetail if user else Detail, movie, await genre_names(session))


@router.post("/movies/{tmdb_id}/rate/", status_code=201)
async def rate(tmdb_id: TmdbId, body: RatingIn, response: Response, session: Session, user: Me) -> RatingOut:
    movie = await session.scalar(select(Movie.id).where(Movie.tmdb_id == tmdb_id))
    if movie is None:
        raise HTTPException(404)
    mine = select(MovieRating).where(MovieRating.user_id == user.id, MovieRating.movie_id == movie)
    rating = await session.scalar(mine)
    if rating is None:
        rating = MovieRating(user_id=user.id, movie_id=movie, review="")
        session.add(rating)
    else:
        response.status_code = 200
    rating.rating = body.rating
    if body.review is not None:
        rating.review = body.review
    await session.commit()
    counts = select(MovieRating.rating, func.count()).where(MovieRating.movie_id == movie).group_by(MovieRating.rating)
    by_stars = dict((await session.execute(counts)).tuples().all())
    number = sum(by_stars.values())
    return RatingOut(
        rating=rating.rating,
        review=rating.review,
        created_at=rating.created_at,
        updated_at=rating.updated_at,
        average=round(sum(stars * n for stars, n in by_stars.items()) / number, 2) if number else None,
        count=number,
        distribution={str(stars): by_stars.get(stars, 0) for stars in range(1, 6)},
    )


@router.delete("/movies/{tmdb_id}/rate/", status_code=204)
async def withdraw_rating(tmdb_id: TmdbId, session: Session, user: Me) -> None:
    movie = select(Movie.id).where(Movie.tmdb_id == tmdb_id).scalar_subquery()
    await session.execute(delete(MovieRating).where(MovieRating.user_id == user.id, MovieRating.movie_id == movie))
    await session.commit()


def flags_of(user: User | None):
    """What a film is to `user`, in the film's own query."""
    if user is None:
        return ()
    favorite = exists().where(Favorite.user_id == user.id, Favorite.movie_id == Movie.id)
    listed = exists().where(Watchlist.user_id == user.id, Watchlist.movie_id == Movie.id)
    stars = select(MovieRating.rating).where(MovieRating.user_id == user.id, MovieRating.movie_id == Movie.id)
    return (
        with_expression(Movie.is_favorite, favorite.correlate(Movie)),
        with_expression(Movie.in_watchlist, listed.correlate(Movie)),
        with_expression(Movie.user_rating, stars.correlate(Movie).scalar_subquery()),
    )


async def genre_names(session: Session) -> dict[int, str]:
    return dict((await session.execute(select(Genre.id, Genre.name))).tuples().all())


def film_as(kind, movie: Movie, names: dict[int, str]):
    film = kind.model_validate(movie)
    film.genres = [names[id_] for id_ in movie.genre_ids if id_ in names]
    return film


def favorite_of(favorite: Favorite, names: dict[int, str]) -> FavoriteOut:
    card = film_as(MyCard, favorite.movie, names)
    return FavoriteOut(**card.model_dump(), created_at=favorite.created_at)


def page_of(request: Request, page: int, page_size: int, total: int, results: Sequence):
    pages = ceil(total / page_size)
    return {
        "page": page,
        "page_size": page_size,
        "total_pages": pages,
        "total_results": total,
        "next": str(request.url.include_query_params(page=page + 1)) if page < pages else None,
        "previous": str(request.url.include_query_params(page=page - 1)) if page > 1 else None,
        "results": results,
    }


app = FastAPI()
app.include_router(router)
