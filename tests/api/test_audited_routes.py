"""Every route that changes something puts down exactly one event, in the transaction of the change.

The routes are those of the published schema, so that a new one fails here until it has its line in ACTS.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from matinee.accounts import letters
from matinee.accounts.models import Guesses, Letter, Session, User, digest_of
from matinee.accounts.sessions import Tokens, sign_in
from matinee.api.app import api as matinee_api
from matinee.audit.actions import Action
from matinee.audit.models import Event
from matinee.catalog.models import Movie
from matinee.library import services
from matinee.library.models import Dismissal, Favorite, Watchlist
from tests.api.conftest import NOW, PASSWORD, Answer, Api, MakeMovie
from tests.audit.full_trail import no_room_for_events

pytestmark = pytest.mark.django_db(transaction=True)


class Stage:
    """alice, signed in, and a film that the test names 603."""

    def __init__(self, alice: User, movie: Movie) -> None:
        self.alice = alice
        self.movie = movie
        sign_in(username="alice", password=PASSWORD, now=timezone.now())
        self.elsewhere = Session.objects.get().pk
        self.tokens: Tokens = sign_in(username="alice", password=PASSWORD, now=timezone.now())[1]
        self.api = Api(self.tokens.access)
        self.nobody = Api()

    def rated(self) -> Stage:
        services.rate_movie(user=self.alice, movie_pk=self.movie.pk, stars=3, review=None, private=None, now=NOW)
        return self

    def added(self, kind: type[Favorite] | type[Watchlist] | type[Dismissal]) -> Stage:
        services.add(kind, user=self.alice, movie_pk=self.movie.pk, now=NOW)
        return self

    def mailed(self, kind: Letter.Kind) -> Stage:
        letters.post(kind, email="carol@example.org", user=self.alice, now=timezone.now())
        Letter.objects.update(digest=digest_of(TOKEN))
        return self


Act = tuple[Callable[[Stage], object], Callable[[Stage], Answer], Action, str]
PROFILE = {
    "username": "alice", "first_name": "Alice", "last_name": "", "bio": "Slow films.", "birth_date": "1990-05-17",
    "favorite_genres": [], "notification_preferences": {},
}  # fmt: skip
REGISTRATION = {"email": "carol@example.org", "password": PASSWORD, "username": "carol"}
NEW_PASSWORD = "staple battery horse correct"
PASSWORD_CHANGE = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
EMAIL_CHANGE = {"email": "carol@example.org", "password": PASSWORD}
TOKEN = "x" * 43
ASKED_BY_ANYBODY = {"POST /api/v1/users/password/reset/"}
LOGIN = {"username": "alice", "password": PASSWORD}


def nothing(stage: Stage) -> object:
    return stage


ACTS: dict[str, Act] = {
    "POST /api/v1/users/register/": (
        nothing, lambda s: s.nobody.post("users/register/", REGISTRATION), Action.ACCOUNT_MADE, "",
    ),
    "POST /api/v1/users/login/": (nothing, lambda s: s.nobody.post("users/login/", LOGIN), Action.SIGNED_IN, ""),
    "POST /api/v1/users/token/refresh/": (
        nothing,
        lambda s: s.nobody.post("users/token/refresh/", {"refresh": s.tokens.refresh}),
        Action.TOKENS_REFRESHED,
        "session:",
    ),
    "POST /api/v1/users/logout/": (
        nothing, lambda s: s.api.post("users/logout/", {"refresh": s.tokens.refresh}), Action.SIGNED_OUT, "session:",
    ),
    "DELETE /api/v1/users/sessions/": (
        nothing, lambda s: s.api.delete("users/sessions/"), Action.OTHER_SESSIONS_ENDED, "session:",
    ),
    "DELETE /api/v1/users/sessions/{session_id}/": (
        nothing, lambda s: s.api.delete(f"users/sessions/{s.elsewhere}/"), Action.SESSION_ENDED, "session:",
    ),
    "POST /api/v1/users/password/change/": (
        nothing, lambda s: s.api.post("users/password/change/", PASSWORD_CHANGE), Action.PASSWORD_CHANGED, "",
    ),
    "POST /api/v1/users/password/reset/": (
        nothing,
        lambda s: s.nobody.post("users/password/reset/", {"email": "alice@example.org"}),
        Action.PASSWORD_RESET_ASKED,
        "",
    ),
    "POST /api/v1/users/password/reset/confirm/": (
        lambda s: s.mailed(Letter.Kind.RESET),
        lambda s: s.nobody.post("users/password/reset/confirm/", {"token": TOKEN, "password": NEW_PASSWORD}),
        Action.PASSWORD_RESET,
        "",
    ),
    "POST /api/v1/users/email/change/": (
        nothing, lambda s: s.api.post("users/email/change/", EMAIL_CHANGE), Action.EMAIL_CHANGE_ASKED, "",
    ),
    "POST /api/v1/users/email/verify/": (
        lambda s: s.mailed(Letter.Kind.EMAIL_CHANGE),
        lambda s: s.nobody.post("users/email/verify/", {"token": TOKEN}),
        Action.EMAIL_CHANGED,
        "",
    ),
    "DELETE /api/v1/users/account/": (
        nothing,
        lambda s: s.api.request("DELETE", "users/account/", {"password": PASSWORD}),
        Action.ACCOUNT_ERASED,
        "",
    ),
    "PUT /api/v1/users/profile/": (
        nothing, lambda s: s.api.put("users/profile/", PROFILE), Action.PROFILE_CHANGED, "",
    ),
    "PATCH /api/v1/users/profile/": (
        nothing, lambda s: s.api.patch("users/profile/", {"bio": "Fast trains."}), Action.PROFILE_CHANGED, "",
    ),
    "POST /api/v1/movies/favorites/": (
        nothing, lambda s: s.api.post("movies/favorites/", {"movie_id": 603}), Action.FAVORITE_ADDED, "movie:603",
    ),
    "DELETE /api/v1/movies/favorites/{movie_id}/": (
        lambda s: s.added(Favorite),
        lambda s: s.api.delete("movies/favorites/603/"),
        Action.FAVORITE_REMOVED,
        "movie:603",
    ),
    "POST /api/v1/movies/watchlist/": (
        nothing, lambda s: s.api.post("movies/watchlist/", {"movie_id": 603}), Action.WATCHLIST_ADDED, "movie:603",
    ),
    "DELETE /api/v1/movies/watchlist/{movie_id}/": (
        lambda s: s.added(Watchlist),
        lambda s: s.api.delete("movies/watchlist/603/"),
        Action.WATCHLIST_REMOVED,
        "movie:603",
    ),
    "POST /api/v1/movies/{movie_id}/rate/": (
        nothing, lambda s: s.api.post("movies/603/rate/", {"rating": 5}), Action.RATING_GIVEN, "movie:603",
    ),
    "PUT /api/v1/movies/{movie_id}/rate/": (
        Stage.rated, lambda s: s.api.put("movies/603/rate/", {"rating": 5}), Action.RATING_CHANGED, "movie:603",
    ),
    "DELETE /api/v1/movies/{movie_id}/rate/": (
        Stage.rated, lambda s: s.api.delete("movies/603/rate/"), Action.RATING_WITHDRAWN, "movie:603",
    ),
    "PUT /api/v1/movies/recommendations/{movie_id}/dismiss/": (
        nothing,
        lambda s: s.api.put("movies/recommendations/603/dismiss/"),
        Action.MOVIE_DISMISSED,
        "movie:603",
    ),
    "DELETE /api/v1/movies/recommendations/{movie_id}/dismiss/": (
        lambda s: s.added(Dismissal),
        lambda s: s.api.delete("movies/recommendations/603/dismiss/"),
        Action.DISMISSAL_UNDONE,
        "movie:603",
    ),
}  # fmt: skip


@pytest.fixture
def stage(alice: User, make_movie: MakeMovie) -> Stage:
    return Stage(alice, make_movie(603))


def routes() -> set[str]:
    paths = matinee_api.get_openapi_schema()["paths"]
    writing = {"post", "put", "patch", "delete"}
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods if method in writing}


def everything_stored() -> dict[str, list[dict[str, Any]]]:
    """But for the count of passwords that were tried, which stands whatever comes of a request."""
    models = {model for app in ("accounts", "library") for model in apps.get_app_config(app).get_models()} - {Guesses}
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in models}


def test_every_route_that_changes_something_is_listed() -> None:
    assert routes() == set(ACTS)


@pytest.mark.parametrize("route", sorted(ACTS))
def test_a_change_is_one_event_and_without_its_event_there_is_no_change(stage: Stage, route: str) -> None:
    prepare, act, action, target = ACTS[route]
    prepare(stage)
    before, told = everything_stored(), Event.objects.count()

    with no_room_for_events():
        refused = act(stage)
    between = everything_stored()
    done = act(stage)

    assert (refused.status_code, between) == (503, before)
    assert done.status_code < 300
    event = Event.objects.order_by("id")[told:].get()
    assert event.action == action
    assert event.target.startswith(target)
    assert event.actor == (None if route in ASKED_BY_ANYBODY else event.subject)
    assert User.objects.filter(audit_key=event.subject).exists() or action is Action.ACCOUNT_ERASED
    assert event.request_id == done["X-Request-ID"]
    assert event.network == "127.0.0.0/24"


@pytest.mark.parametrize("route", sorted(ACTS))
def test_an_event_tells_no_secret_and_no_text_of_a_person(stage: Stage, route: str) -> None:
    prepare, act, *_ = ACTS[route]
    prepare(stage)

    act(stage)

    told = json.dumps(list(Event.objects.values()), default=str)
    secrets = [PASSWORD, "alice", "carol", "Slow films", "1990-05-17", stage.tokens.refresh, stage.tokens.access]
    secrets += [NEW_PASSWORD, TOKEN, "example.org"]
    assert not [secret for secret in secrets if secret in told]


@pytest.mark.parametrize(
    "path", ["movies/favorites/603/", "movies/watchlist/603/", "movies/recommendations/603/dismiss/", "movies/1/rate/"]
)
def test_what_changes_nothing_is_no_event(stage: Stage, path: str) -> None:
    told = Event.objects.count()

    assert stage.api.delete(path).status_code == 204

    assert Event.objects.count() == told


def test_adding_what_is_there_and_rating_alike_are_no_events(stage: Stage) -> None:
    stage.rated().added(Favorite)
    told = Event.objects.count()

    stage.api.post("movies/favorites/", {"movie_id": 603})
    stage.api.put("movies/603/rate/", {"rating": 3})
    stage.api.patch("users/profile/", {"bio": ""})

    assert Event.objects.count() == told


@pytest.mark.parametrize("name", ["alice", "nobody-of-that-name"])
def test_a_failed_sign_in_is_an_event_of_the_account_if_there_is_one(stage: Stage, name: str) -> None:
    refused = stage.nobody.post("users/login/", {"username": name, "password": "wrong horse battery staple"})

    event = Event.objects.latest("id")
    assert refused.status_code == 401
    assert (event.action, event.actor) == ("sign_in_failed", None)
    assert event.subject == (stage.alice.audit_key if name == "alice" else None)


def test_a_spent_token_that_comes_back_is_an_event_that_stays_though_it_is_refused(stage: Stage) -> None:
    stage.nobody.post("users/token/refresh/", {"refresh": stage.tokens.refresh})

    refused = stage.nobody.post("users/token/refresh/", {"refresh": stage.tokens.refresh})

    event = Event.objects.latest("id")
    assert refused.status_code == 401
    assert (event.action, event.actor, event.subject) == ("refresh_token_reused", None, stage.alice.audit_key)
