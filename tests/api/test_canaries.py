"""No secret and nothing that a person said reaches a log, the audit trail or a problem, however a request ends."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import DataError, connection, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from matinee.accounts import recovery
from matinee.accounts.models import User
from matinee.accounts.services import create_user, update_profile
from matinee.accounts.sessions import Tokens, sign_in
from matinee.api.app import api as matinee_api
from matinee.audit.models import Event
from matinee.core.jobs import queue
from matinee.core.jobs.queue import Patience
from matinee.core.jobs.worker import Worker
from tests.api.conftest import NOW, Answer, Api, MakeMovie
from tests.mail_server import Mailbox

PASSWORD = "canary-password staple 4711"
CANARIES = {
    "password": PASSWORD,
    "new_password": "canary-newpassword staple 4711",
    "current_password": PASSWORD,
    "email": "canary-email@example.org",
    "username": "canary-username",
    "first_name": "canary-first",
    "last_name": "canary-last",
    "bio": "canary-bio",
    "birth_date": "1944-06-17",
    "review": "canary-review",
    "token": "canary-token",
    "refresh": "canary-refresh",
}
KNOWN: dict[str, Any] = {"rating": 5, "movie_id": 603, "favorite_genres": [], "notification_preferences": {}}
SCHEMA = matinee_api.get_openapi_schema()
ROUTES = sorted((method.upper(), path) for path, methods in SCHEMA["paths"].items() for method in methods)


class Person:
    """Somebody all of whose facts are canaries, signed in."""

    def __init__(self) -> None:
        self.user: User = create_user(
            email=CANARIES["email"], username=CANARIES["username"], password=PASSWORD, now=NOW,
            first_name=CANARIES["first_name"],
        )  # fmt: skip
        update_profile(user=self.user, changes={"bio": CANARIES["bio"]}, now=NOW)
        self.tokens: Tokens = sign_in(username=CANARIES["username"], password=PASSWORD, now=timezone.now())[1]
        self.api = Api(self.tokens.access)

    def secrets(self) -> list[str]:
        return [*CANARIES.values(), self.tokens.access, self.tokens.refresh, self.user.password]


@pytest.fixture
def person(db: None, make_movie: MakeMovie, settings: Settings, tmp_path: Path) -> Person:
    settings.DATA_DIR = tmp_path
    make_movie(603)
    return Person()


def body_of(method: str, path: str) -> dict[str, Any]:
    """All that the route's body knows, each a canary where a person would have typed it."""
    operation = SCHEMA["paths"][path][method.lower()]
    shape = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    names = SCHEMA["components"]["schemas"][shape]["properties"]
    return {name: value for name, value in {**KNOWN, **CANARIES}.items() if name in names}


def bodies(method: str, path: str) -> list[Any]:
    if "requestBody" not in SCHEMA["paths"][path][method.lower()]:
        return [None]
    fitting = body_of(method, path)
    wrong_type = {name: [value] for name, value in fitting.items()}
    return [fitting, wrong_type, {**fitting, "no_such_field": PASSWORD}, json.dumps(fitting).encode()[:-1]]


def send(api: Api, method: str, path: str, body: Any) -> Answer:
    place = path.replace("{session_id}", "1").replace("{export_id}", "1")
    for name in ("{tmdb_id}", "{movie_id}"):
        place = place.replace(name, "603")
    query = "?q=heat" if place.endswith(("/search/", "/suggest/")) else ""
    return api.request(method, place + query, body)


@contextmanager
def a_database_that_fails(*, at: int) -> Iterator[None]:
    """From its `at`-th statement on, with a message that quotes what it was given, as databases do of wrong data."""
    asked = 0

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal asked
        if sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            return execute(sql, params, many, context)
        asked += 1
        if asked > at:
            raise DataError(f"failing row contains {params!r}")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        yield


def leaks(person: Person, caplog: pytest.LogCaptureFixture, answers: list[Answer]) -> set[str]:
    logged = caplog.text
    trail = json.dumps(list(Event.objects.values()), default=str)
    problems = "".join(answer.content.decode() for answer in answers if answer.status_code >= 400)
    return {secret for secret in person.secrets() for told in (logged, trail, problems) if secret in told}


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=str)
def test_no_route_tells_what_it_was_given(
    person: Person, caplog: pytest.LogCaptureFixture, method: str, path: str
) -> None:
    nobody = Api()
    with caplog.at_level(logging.DEBUG):
        answers = [send(nobody, method, path, body) for body in bodies(method, path)]
        answers += [send(person.api, method, path, body) for body in reversed(bodies(method, path))]

    assert leaks(person, caplog, answers) == set()


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=str)
def test_nor_when_the_database_fails_on_the_way_and_quotes_it(
    person: Person, caplog: pytest.LogCaptureFixture, method: str, path: str
) -> None:
    body = bodies(method, path)[0]
    answers = []
    with caplog.at_level(logging.INFO):
        for at in (1, 3):
            with a_database_that_fails(at=at):
                answers.append(send(person.api, method, path, body))
    transaction.set_rollback(False)

    assert leaks(person, caplog, answers) == set()


@pytest.mark.parametrize(
    ("is_refused", "cause"),
    [("knows_nobody", "SMTPRecipientsRefused 550"), ("is_full", "SMTPDataError 452")],
)
@pytest.mark.django_db(transaction=True)
def test_nor_a_job_whose_mail_is_refused_by_a_server_that_quotes_the_address(
    person: Person, mailbox: Mailbox, caplog: pytest.LogCaptureFixture, is_refused: str, cause: str
) -> None:
    setattr(mailbox, is_refused, True)
    caplog.set_level(logging.CRITICAL, logger="mail.log")  # the server's own, which may know whom it refuses
    recovery.ask_for_reset(email=CANARIES["email"], now=timezone.now())
    worker = Worker(queues=["default"], patience=Patience(tries=1))

    with caplog.at_level(logging.DEBUG):
        while worker.run_one(now=timezone.now()):
            pass

    [parked] = queue.parked()
    assert cause in parked.traceback
    assert [secret for secret in person.secrets() if secret in parked.traceback] == []
    assert leaks(person, caplog, []) == set()
