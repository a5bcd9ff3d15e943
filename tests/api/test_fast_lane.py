"""What the lane answers is what Django would, byte for byte; what is unusual in any way is left to Django."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.utils import timezone
from pytest_django.fixtures import Settings

from matinee.accounts.models import User
from matinee.accounts.sessions import sign_in, sign_out_everywhere
from matinee.api import limits
from matinee.api.fast_lane import FastLane, _wishes
from matinee.api.gateway import Gateway
from matinee.catalog.cards import refresh_cards
from matinee.catalog.columns import refresh_columns
from matinee.library import services
from matinee.library.models import Favorite
from tests.api.conftest import NOW, PASSWORD, MakeMovie, connections_kept

TO_ONE_ANOTHERS_ACCOUNT = {"RateLimit"}
"""Each of two that ask the same counts as a request."""


class Reply(NamedTuple):
    status: str
    headers: dict[str, str]
    body: bytes


class Counting:
    """Django, and how often it was asked."""

    def __init__(self) -> None:
        self.handler = WSGIHandler()
        self.asked = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.asked += 1
        return self.handler(environ, start_response)


def ask(application: Any, path: str, method: str = "GET", **more: str) -> Reply:
    path, _, query = path.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SCRIPT_NAME": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_X_REQUEST_ID": "the-same-in-both",
        "wsgi.input": io.BytesIO(b""),
        "wsgi.url_scheme": "http",
        **more,
    }
    told: list[Any] = []
    with connections_kept():
        answer = application(environ, lambda status, headers: told.extend((status, headers)))
        body = b"".join(answer)
        getattr(answer, "close", lambda: None)()
    status, headers = told
    return Reply(status, {k: v for k, v in headers if k not in TO_ONE_ANOTHERS_ACCOUNT}, body)


@pytest.fixture
def access(alice: User, make_movie: MakeMovie) -> str:
    """alice's token: of 30 films she has a favourite and some ratings."""
    films = [make_movie(tmdb_id, vote_count=tmdb_id * 10) for tmdb_id in range(1, 31)]
    services.add(Favorite, user=alice, movie_pk=films[3].pk, now=NOW)
    for film in films[5:9]:
        services.rate_movie(user=alice, movie_pk=film.pk, stars=4, review=None, private=None, now=NOW)
    refresh_columns()
    refresh_cards()
    _, tokens = sign_in(username="alice", password=PASSWORD, now=timezone.now())
    return tokens.access


MOVIES = "/api/v1/movies/"
USUAL = [
    MOVIES,
    f"{MOVIES}?page=2&page_size=7",
    f"{MOVIES}?page=99",
    f"{MOVIES}?page_size=100",
    f"{MOVIES}?with_genres=28,878&sort_by=title.asc&primary_release_date.gte=1990-01-01",
    f"{MOVIES}?with_genres=28|12&vote_average.gte=5.5&vote_count.gte=100",
    f"{MOVIES}?ids=3,5,7",
    f"{MOVIES}?with_original_language=en|de",
    f"{MOVIES}4/",
    f"{MOVIES}7/",
    f"{MOVIES}recommendations/",
    f"{MOVIES}recommendations/?page=2&page_size=5",
    f"{MOVIES}recommendations/?diversity=0.5&seeds=1,2&include=watchlist",
    f"{MOVIES}recommendations/?with_genres=28&sort_by=revenue.desc",
]
UNUSUAL = [
    f"{MOVIES}?page=0",
    f"{MOVIES}?page=1_0",
    f"{MOVIES}?page=%201",
    f"{MOVIES}?page=501",
    f"{MOVIES}?page_size=101",
    f"{MOVIES}?page=1&page=2",
    f"{MOVIES}?unknown=1",
    f"{MOVIES}?with_genres=1,2|3",
    f"{MOVIES}?with_genres=%ff",
    f"{MOVIES}?sort_by=title",
    f"{MOVIES}?primary_release_year=99999",
    f"{MOVIES}?vote_average.gte=nan",
    f"{MOVIES}?ids={'1,' * 200}1",
    f"{MOVIES}?%00=%00",
    f"{MOVIES}999/",
    f"{MOVIES}0/",
    f"{MOVIES}004/",
    f"{MOVIES}{'9' * 18}/",
    f"{MOVIES}{'9' * 40}/",
    f"{MOVIES}4/?page=1",
    f"{MOVIES}4",
    MOVIES[:-1],
    f"{MOVIES}recommendations/?seeds=999",
    f"{MOVIES}recommendations/?seeds=x",
    f"{MOVIES}recommendations/?diversity=2",
    f"{MOVIES}recommendations/?include=everything",
    f"{MOVIES}genres/",
    f"{MOVIES}favorites/",
    "/api/v1/",
    "/livez",
]
BY_HEADERS: dict[str, dict[str, str]] = {
    "another host": {"HTTP_HOST": "elsewhere.example"},
    "no token": {"HTTP_AUTHORIZATION": ""},
    "not a token": {"HTTP_AUTHORIZATION": "Bearer x.y.z"},
    "another scheme": {"HTTP_AUTHORIZATION": "Basic YWxpY2U6eA=="},
    "a writing method": {"method": "POST"},
    "a method of nothing": {"method": "BREW"},
    "the head alone": {"method": "HEAD"},
    "a condition to write": {"HTTP_IF_MATCH": '"x"'},
    "below a prefix": {"SCRIPT_NAME": "/cinema"},
}


def both(access: str, path: str, **more: str) -> tuple[Reply, Reply, bool]:
    """What comes through the lane, what comes from Django alone, and whether the lane answered."""
    django = Counting()
    lane = Gateway(FastLane(django))
    more = {"HTTP_AUTHORIZATION": f"Bearer {access}", **more}
    through_the_lane = ask(lane, path, **more)
    from_django = ask(Gateway(WSGIHandler()), path, **more)
    return through_the_lane, from_django, django.asked == 0


@pytest.mark.parametrize("path", USUAL)
def test_what_is_read_most_is_answered_in_the_lane_as_django_would(access: str, path: str) -> None:
    here, there, in_lane = both(access, path)

    assert in_lane
    assert here == there
    assert here.status == "200 OK"


@pytest.mark.parametrize("path", UNUSUAL)
def test_what_is_unusual_is_left_to_django(access: str, path: str) -> None:
    here, there, in_lane = both(access, path)

    assert not in_lane
    assert here == there


@pytest.mark.parametrize("more", BY_HEADERS.values(), ids=BY_HEADERS)
@pytest.mark.parametrize("path", [MOVIES, f"{MOVIES}4/", f"{MOVIES}recommendations/"])
def test_an_unusual_method_or_header_is_left_to_django(access: str, path: str, more: dict[str, str]) -> None:
    here, there, in_lane = both(access, path, **more)

    assert not in_lane
    assert here == there


@pytest.mark.parametrize("path", [MOVIES, f"{MOVIES}4/", f"{MOVIES}recommendations/"])
@pytest.mark.parametrize("tag", ["{}", "W/{}", '"another", {}', "*", '"another"', "nonsense"])
def test_what_a_client_has_already_is_a_304_from_both(access: str, path: str, tag: str) -> None:
    etag = both(access, path)[0].headers["ETag"]

    here, there, in_lane = both(access, path, HTTP_IF_NONE_MATCH=tag.format(etag), HTTP_ACCEPT_ENCODING="gzip")

    assert in_lane
    assert here == there
    assert here.status.startswith("200" if tag in {'"another"', "nonsense"} else "304")


@pytest.mark.parametrize("origin", ["https://cinema.example", "https://elsewhere.example"])
def test_a_page_of_another_site_is_told_the_same_by_both(access: str, settings: Settings, origin: str) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://cinema.example"]

    here, there, in_lane = both(access, MOVIES, HTTP_ORIGIN=origin)

    assert in_lane
    assert here == there
    assert here.headers.get("access-control-allow-origin") == (origin if "cinema" in origin else None)


def test_a_request_id_that_would_do_harm_is_replaced_in_the_lane_too(access: str) -> None:
    here, _, in_lane = both(access, MOVIES, HTTP_X_REQUEST_ID="two\nlines")

    assert in_lane
    assert here.headers["X-Request-ID"].isalnum()


def test_who_was_signed_out_is_refused_on_the_next_request(access: str, alice: User) -> None:
    assert both(access, MOVIES)[2]

    sign_out_everywhere(user=alice, now=timezone.now())
    here, there, in_lane = both(access, MOVIES)

    assert not in_lane
    assert here == there
    assert here.status == "401 Unauthorized"


@pytest.mark.parametrize("path", [f"{MOVIES}999/", f"{MOVIES}?page=501", f"{MOVIES}recommendations/?seeds=999"])
def test_what_the_lane_leaves_to_django_late_counts_as_one_request(
    access: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(limits, "time", lambda: 1_000_000.0)  # no new minute begins
    settings.REQUESTS_A_MINUTE = {**settings.REQUESTS_A_MINUTE, "read": 40}
    lane = Gateway(FastLane(Counting()))

    for _ in range(20):
        ask(lane, path, HTTP_AUTHORIZATION=f"Bearer {access}")

    statuses = [ask(lane, path, HTTP_AUTHORIZATION=f"Bearer {access}").status[:3] for _ in range(21)]
    assert "429" not in statuses[:20]
    assert statuses[20] == "429"


def test_no_query_is_remembered_for_somebody_unknown_nor_one_that_is_very_long(access: str) -> None:
    _wishes.cache_clear()

    ask(Gateway(FastLane(Counting())), f"{MOVIES}?page=7", HTTP_AUTHORIZATION="Bearer x.y.z")
    both(access, f"{MOVIES}?with_genres={'1,' * 400}1")

    assert _wishes.cache_info().currsize == 0


def test_a_failure_in_the_lane_is_met_again_by_django(access: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("Broken.")

    monkeypatch.setattr("matinee.api.movies.cards_of", fail)
    here, there, in_lane = both(access, MOVIES)

    assert not in_lane
    assert here == there
    assert here.status == "500 Internal Server Error"
