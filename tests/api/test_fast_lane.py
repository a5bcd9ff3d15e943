"""What the lane answers is what Django would, byte for byte; what is unusual in any way is left to Django."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from matinee.accounts.models import User
from matinee.accounts.sessions import sign_out_everywhere
from matinee.api import limits
from matinee.api.fast_lane import ROUTES as LANE_ROUTES
from matinee.api.fast_lane import FastLane, _wishes
from matinee.api.gateway import Gateway
from tests.api.lane import MOVIES, Counting, ask, both

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
    f"{MOVIES}favorites/",
    f"{MOVIES}watchlist/?page_size=3",
    f"{MOVIES}ratings/?page=2&page_size=3",
]
PUBLIC = [
    MOVIES,
    f"{MOVIES}?page=2&page_size=7",
    f"{MOVIES}?page_size=100",
    f"{MOVIES}?with_genres=28%2C878&sort_by=title.asc",
    f"{MOVIES}4/",
    f"{MOVIES}4/similar/?page_size=5",
    f"{MOVIES}genres/",
    f"{MOVIES}trending/?window=day&page_size=4",
    f"{MOVIES}search/?q=film+7",
    f"{MOVIES}suggest/?q=fil",
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
    f"{MOVIES}999/similar/",
    f"{MOVIES}search/",
    f"{MOVIES}search/?q=",
    f"{MOVIES}trending/?window=year",
    f"{MOVIES}favorites/?sort_by=title.asc",
    f"{MOVIES}recommendations/dismissed/",
    f"{MOVIES}4/reviews/",
    "/api/v1/users/profile/",
    "/api/v1/",
    "/livez",
]
ALONE = [MOVIES, f"{MOVIES}4/", f"{MOVIES}recommendations/"]
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


@pytest.mark.parametrize("path", dict.fromkeys([*USUAL, *PUBLIC]))
def test_what_is_read_most_is_answered_in_the_lane_as_django_would(access: str, path: str) -> None:
    here, there, in_lane = both(access, path)

    assert in_lane
    assert here == there
    assert here.status == "200 OK"


@pytest.mark.parametrize("accepted", [None, "gzip, br", "gzip;q=0"])
@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.usefixtures("access")
def test_nobody_in_particular_is_answered_in_the_lane_as_django_would(path: str, accepted: str | None) -> None:
    asked = {} if accepted is None else {"HTTP_ACCEPT_ENCODING": accepted}

    for _ in range(2):  # what is remembered is the same
        here, there, in_lane = both(None, path, **asked)

        assert in_lane
        assert here == there
        assert here.status == "200 OK"
        assert (here.headers.get("Content-Encoding") == "gzip") is (
            accepted == "gzip, br" and len(here.body) < _whole(path)
        )


def _whole(path: str) -> int:
    return len(both(None, path)[0].body)


@pytest.mark.parametrize("path", [f"{MOVIES}recommendations/", f"{MOVIES}favorites/"])
@pytest.mark.usefixtures("access")
def test_what_is_somebodys_is_left_to_django_where_nobody_is_signed_in(path: str) -> None:
    here, there, in_lane = both(None, path)

    assert not in_lane
    assert here == there
    assert here.status == "401 Unauthorized"


@pytest.mark.parametrize("path", UNUSUAL)
def test_what_is_unusual_is_left_to_django(access: str, path: str) -> None:
    here, there, in_lane = both(access, path)

    assert not in_lane
    assert here == there


@pytest.mark.parametrize("more", BY_HEADERS.values(), ids=BY_HEADERS)
@pytest.mark.parametrize("path", ALONE)
def test_an_unusual_method_or_header_is_left_to_django(access: str, path: str, more: dict[str, str]) -> None:
    here, there, in_lane = both(access, path, **more)

    assert not in_lane
    assert here == there


@pytest.mark.parametrize("path", ALONE)
@pytest.mark.parametrize("tag", ["{}", "W/{}", '"another", {}', "*", '"another"', "nonsense"])
def test_what_a_client_has_already_is_a_304_from_both(access: str, path: str, tag: str) -> None:
    etag = both(access, path)[0].headers["ETag"]

    here, there, in_lane = both(access, path, HTTP_IF_NONE_MATCH=tag.format(etag), HTTP_ACCEPT_ENCODING="gzip")

    assert in_lane
    assert here == there
    assert here.status.startswith("200" if tag in {'"another"', "nonsense"} else "304")


def test_each_route_of_the_lane_is_held_against_django() -> None:
    asked = {re.sub(r"/[0-9]+/", "/1/", path.partition("?")[0]) for path in (*USUAL, *PUBLIC)}

    assert asked == {path for method, path in LANE_ROUTES if method == "GET"}


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
