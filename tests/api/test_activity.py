"""GET users/activity/: my own part of the audit trail."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from matinee.accounts.models import User
from matinee.audit.actions import Action
from matinee.audit.trail import record
from tests.api.conftest import PASSWORD, Api, MakeMovie


def test_a_person_sees_what_was_done_to_their_account_and_things_newest_first(
    as_alice: Api, as_bob: Api, api: Api, make_movie: MakeMovie
) -> None:
    make_movie(603)
    as_bob.post("movies/603/rate/", {"rating": 1})
    as_alice.post("movies/603/rate/", {"rating": 5, "review": "Still a marvel."}, X_Request_ID="mine-1")
    api.post("users/login/", {"username": "alice", "password": "wrong horse battery staple"})

    page = as_alice.get("users/activity/").json()

    actions = [entry["action"] for entry in page["results"]]
    assert actions == ["sign_in_failed", "rating_given", "signed_in", "account_made"]
    assert page["total_results"] == 4
    failed, rated, *_ = page["results"]
    assert (failed["by"], failed["target"], failed["changes"]) == (None, None, {})
    assert (rated["by"], rated["target"], rated["request_id"]) == ("me", "movie:603", "mine-1")
    assert rated["changes"] == {"rating": 5, "review_private": False}
    assert rated["network"] == "127.0.0.0/24"
    assert "marvel" not in str(page)


def test_what_staff_did_is_told_as_theirs_and_not_who_they_are(as_alice: Api, alice: User, bob: User) -> None:
    with transaction.atomic():
        record(
            Action.REVIEW_HIDDEN,
            actor=bob.audit_key,
            subject=alice.audit_key,
            target="rating:1",
            now=timezone.now(),
        )

    response = as_alice.get("users/activity/?page_size=1")

    assert response.json()["results"][0]["by"] == "staff"
    assert bob.audit_key not in response.content.decode()


@pytest.mark.parametrize("number", [0, 30])
def test_a_page_costs_three_queries_however_long(
    as_alice: Api, alice: User, number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with transaction.atomic():
        for place in range(number):
            record(
                Action.RATING_GIVEN, actor=None, subject=alice.audit_key, target=f"movie:{place}", now=timezone.now()
            )

    with django_assert_num_queries(3):  # who asks, how many, the page
        page = as_alice.get("users/activity/?page_size=25").json()

    assert len(page["results"]) == min(number + 2, 25)


def test_it_needs_a_token_and_is_no_cache_to_share(api: Api, as_alice: Api) -> None:
    assert api.get("users/activity/").status_code == 401
    assert as_alice.get("users/activity/")["Cache-Control"] == "private, no-cache"
    assert PASSWORD not in as_alice.get("users/activity/").content.decode()
