"""Who gets what from each route, by the access matrix; and that nobody reaches what is another person's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.test import Client
from django.urls import URLResolver, get_resolver
from django.utils import timezone

from matinee.accounts.models import Export, Session, User, UserProfile
from matinee.accounts.origins import Origin
from matinee.accounts.services import create_user
from matinee.accounts.sessions import open_session
from matinee.api.app import api as matinee_api
from matinee.library.models import Dismissal, Favorite, MovieRating, Watchlist
from tests.api.access_matrix import API_MATRIX, CALLERS, MATRIX, Row
from tests.api.conftest import NOW, PASSWORD, Api, MakeMovie

CANARY = "canary-of-alice"
WHERE_SHE_MAY_BE_SEEN = {"/api/v1/movies/{tmdb_id}/reviews/"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE")
NEVER_A_CLIENTS = (
    "id", "pk", "user", "user_id", "is_staff", "is_superuser", "is_active", "groups", "user_permissions", "date_joined",
    "password_hash", "last_login", "created_at", "updated_at", "ended_at", "expires_at", "version", "stamp",
    "email_key", "username_key", "role", "admin", "hidden", "session", "_state", "__class__",
)  # fmt: skip


@dataclass
class Stage:
    """The callers, each with a client; of alice also what the others might reach for."""

    callers: dict[str, Api]
    alice: User
    refresh: str
    session_id: int
    export_id: int

    def path(self, row: Row) -> str:
        return row.path.format(tmdb_id=603, movie_id=603, session_id=self.session_id, export_id=self.export_id)

    def body(self, row: Row, caller: str) -> Any:
        """The example that the schema shows, where it is good for a call."""
        if row.route.endswith("/register/"):
            return {"email": f"new-{caller}@example.org", "password": PASSWORD}
        if row.method == "PUT" and row.route.endswith("/profile/"):
            return {**example(row), "username": CANARY if caller == "alice" else caller}
        if row.route.endswith("/login/"):
            return {"username": CANARY, "password": PASSWORD}
        if row.route.endswith("/logout/"):
            return {"refresh": self.refresh}
        return example(row)


@cache
def schema_of_the_api() -> dict[str, Any]:
    return matinee_api.get_openapi_schema()


def example(row: Row) -> Any:
    schema = schema_of_the_api()
    operation = schema["paths"].get(row.route, {}).get(row.method.lower(), {})
    if "requestBody" not in operation:
        return None
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    return schema["components"]["schemas"][reference.rpartition("/")[2]]["examples"][0]


def person(name: str, **more: Any) -> tuple[User, Api]:
    user = create_user(email=f"{name}@example.org", username=name, password=PASSWORD, now=NOW, **more)
    return user, Api(open_session(user=user, now=timezone.now()).access)


@pytest.fixture
def stage(make_movie: MakeMovie) -> Stage:
    film = make_movie(603, "Film")
    alice, as_alice = person(CANARY, first_name=CANARY, last_name=CANARY)
    disabled, as_disabled = person("disabled")
    User.objects.filter(pk=disabled.pk).update(is_active=False)
    profile = UserProfile.objects.get(user=alice)
    profile.bio = CANARY
    profile.save()
    for kind in (Favorite, Watchlist, Dismissal):
        kind.objects.create(user=alice, movie=film, created_at=NOW)
    MovieRating.objects.create(user=alice, movie=film, rating=5, review=CANARY, created_at=NOW, updated_at=NOW)
    elsewhere = open_session(user=alice, now=timezone.now(), origin=Origin(device=CANARY))
    session = Session.objects.get(device=CANARY)
    now = timezone.now()
    export = Export.objects.create(user=alice, created_at=now, expires_at=now + dt.timedelta(days=1), rows=1)
    callers = {
        "nobody": Api(),
        "disabled": as_disabled,
        "bob": person("bob")[1],
        "staff": person("staff", is_staff=True)[1],
        "alice": as_alice,
    }
    return Stage(callers, alice, elsewhere.refresh, session.pk, export.pk)


def everything_of(user: User) -> dict[str, list[dict[str, Any]]]:
    """Every row that leads to `user`, by whatever path."""
    return {
        model._meta.label: list(model._default_manager.filter(**{path: user.pk}).order_by("pk").values())
        for model in apps.get_models()
        for path in _paths_to_user(model)
    }


def _paths_to_user(model: type[models.Model]) -> Iterator[str]:
    if model is User:
        yield "pk"
    for field in model._meta.get_fields():
        if isinstance(field, models.ForeignKey) and field.related_model in {User, Session}:
            yield field.name if field.related_model is User else f"{field.name}__user"


def every_row() -> dict[str, list[dict[str, Any]]]:
    return {model._meta.label: list(model._default_manager.order_by("pk").values()) for model in apps.get_models()}


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: f"{row.method} {row.route}")
def test_each_caller_gets_what_the_matrix_says_and_nothing_of_alices(stage: Stage, row: Row) -> None:
    before = everything_of(stage.alice)
    got = []

    for name in CALLERS:
        answer = stage.callers[name].request(row.method, stage.path(row), stage.body(row, name))

        got.append(answer.status_code)
        if name != "alice" and not row.route.endswith("/login/"):
            assert row.route in WHERE_SHE_MAY_BE_SEEN or CANARY.encode() not in answer.content
            assert everything_of(stage.alice) == before, f"{name} has changed something of alice's"

    assert dict(zip(CALLERS, got, strict=True)) == dict(zip(CALLERS, row.statuses, strict=True))


@pytest.mark.parametrize("route", sorted({row.route for row in API_MATRIX}))
def test_a_method_that_is_not_in_the_matrix_is_a_405_for_everybody(stage: Stage, route: str) -> None:
    known = {row.method for row in API_MATRIX if row.route == route}
    path = stage.path(Row("", route, ()))
    before = every_row()

    for method in sorted(set(METHODS) - known - ({"HEAD"} if "GET" in known else set())):
        for name, caller in stage.callers.items():
            assert caller.request(method, path).status_code == 405, (method, name)

    assert every_row() == before


@pytest.mark.parametrize(
    "row", [row for row in API_MATRIX if example(row)], ids=lambda row: f"{row.method} {row.route}"
)
def test_no_field_beyond_the_schema_is_taken(stage: Stage, row: Row) -> None:
    body = stage.body(row, "alice")
    smuggled = [name for name in NEVER_A_CLIENTS if name not in body]
    before = every_row()

    for name in smuggled:
        answer = stage.callers["alice"].request(row.method, stage.path(row), {**body, name: True})

        assert answer.status_code == 422, name
        assert (name, "unknown_field") in [(error["field"], error["code"]) for error in answer.json()["errors"]]

    assert every_row() == before


def test_no_setting_beyond_the_schema_is_taken_within_preferences_either(stage: Stage) -> None:
    before = every_row()

    answer = stage.callers["alice"].patch("users/profile/", {"notification_preferences": {"is_staff": True}})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "notification_preferences.is_staff")
    assert every_row() == before


def admin_pages(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from admin_pages(entry, route)
        elif route.startswith("admin/") and "(?P" not in route:
            yield "/" + route.replace("<path:object_id>", "1").replace("<path:content_type_id>", "1").replace(
                "<id>", "1"
            )


OPEN_PAGES = {"/admin/login/", "/admin/logout/"}


def test_the_admin_is_for_staff_and_its_models_for_those_who_were_given_them(stage: Stage) -> None:
    pages = sorted(set(admin_pages(get_resolver())) - OPEN_PAGES)
    bob, staff = Client(), Client()
    bob.force_login(User.objects.get(username="bob"))
    staff.force_login(User.objects.get(username="staff"))
    with_a_token = Client(headers={"Authorization": f"Bearer {stage.callers['staff'].token}"})
    before = every_row()

    for page in pages:
        for outsider in (Client(), bob, with_a_token):
            for method in (outsider.get, outsider.post):
                answer = method(page)
                assert (answer.status_code, answer["Location"][:13]) == (302, "/admin/login/"), page
        if page.count("/") > 3 and "password_change" not in page and not page.startswith("/admin/r/"):
            assert staff.get(page).status_code in {302, 403}, page
            assert staff.post(page, {"is_superuser": "on", "is_staff": "on"}).status_code in {302, 403}, page

    assert len(pages) > 50
    assert every_row() == before
