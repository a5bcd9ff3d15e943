"""Mails on the day that a film of somebody's watchlist comes out, to those who asked for them and to nobody else."""

from __future__ import annotations

import datetime as dt
import functools
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from matinee.accounts import letters
from matinee.accounts.models import Letter, User
from matinee.accounts.services import create_user, update_profile
from matinee.catalog.models import Certification, Movie
from matinee.core.jobs.schedule import registered
from matinee.library import releases, tasks
from matinee.library.models import ToldReleases, Watchlist
from tests.at_once import at_once
from tests.mail_server import Mailbox
from tests.recommendations.conftest import make_movie

NOW = timezone.now()
TODAY = NOW.date()
DAY = dt.timedelta(days=1)
NOBODY: list[Any] = []


@pytest.fixture
def dune(db: None) -> Movie:
    return out(438631, "Dune", TODAY)


def out(tmdb_id: int, title: str, day: dt.date | None) -> Movie:
    return make_movie(tmdb_id, title=title, release_date=day)


def wants_to_see(person: User, *movies: Movie, mails: bool = True) -> None:
    update_profile(user=person, changes={"notification_preferences": {"watchlist_release": mails}}, now=NOW)
    User.objects.filter(pk=person.pk).update(email_verified_at=NOW)
    for movie in movies:
        Watchlist.objects.create(user=person, movie=movie, created_at=NOW)


def told(mailbox: Mailbox) -> list[tuple[str, str]]:
    return [(str(mail["To"]), mail.get_content()) for mail in mailbox.collect()]


def test_who_asked_for_it_is_told_once_and_by_the_films_titles(alice: User, dune: Movie, mailbox: Mailbox) -> None:
    wants_to_see(alice, dune, out(949, "Heat", TODAY), out(603, "The Matrix", TODAY - DAY), out(78, "Later", None))

    assert [releases.tell_releases(now=NOW), releases.tell_releases(now=NOW)] == [1, 0]

    [mail] = mailbox.collect()
    assert (mail["To"], mail["Subject"]) == ("alice@example.org", "Matinee: out now, from your watchlist")
    text = mail.get_content()
    assert text.startswith("Hello alice,\n\nOut now, from your watchlist:\n\n    ")
    assert {line.strip() for line in text.splitlines() if line.startswith("    ")} == {"Dune", "Heat"}
    assert "watchlist_release turns it off" in text


def test_nobody_else_is_told(alice: User, bob: User, dune: Movie, mailbox: Mailbox) -> None:
    carol = create_user(email="carol@example.org", password="correct horse battery staple", now=NOW)
    wants_to_see(alice, dune, mails=False)
    wants_to_see(bob, dune)
    User.objects.filter(pk=bob.pk).update(email_verified_at=None)
    wants_to_see(carol, dune)
    User.objects.filter(pk=carol.pk).update(is_active=False)

    assert releases.tell_releases(now=NOW) == 0
    assert told(mailbox) == NOBODY


@pytest.mark.parametrize("change", [{"email": "new@example.org"}, {"is_active": False}, {}])
def test_a_mail_that_waits_is_not_sent_once_it_is_not_wanted(
    alice: User, dune: Movie, mailbox: Mailbox, change: dict[str, Any]
) -> None:
    wants_to_see(alice, dune)
    releases.tell_releases(now=NOW)

    if change:
        alice = User.objects.get(pk=alice.pk)
        for name, value in change.items():
            setattr(alice, name, value)
        alice.save()
    else:
        wants_to_see(alice, mails=False)

    assert told(mailbox) == NOBODY
    assert not Letter.objects.exists()


def test_what_is_hidden_from_somebody_is_not_told_them(alice: User, bob: User, dune: Movie, mailbox: Mailbox) -> None:
    Certification.objects.create(movie=dune, country="US", certification="R")
    dune.save()
    wants_to_see(alice, dune)
    wants_to_see(bob, dune)
    update_profile(user=alice, changes={"maturity_ceiling": "US:PG"}, now=NOW)

    assert releases.tell_releases(now=NOW) == 1
    assert [to for to, _ in told(mailbox)] == ["bob@example.org"]


def test_days_on_which_nothing_ran_are_told_later_up_to_a_week(alice: User, dune: Movie, mailbox: Mailbox) -> None:
    wants_to_see(alice, dune)

    assert releases.tell_releases(now=NOW - DAY) == 0
    assert releases.tell_releases(now=NOW + 3 * DAY) == 1

    Letter.objects.all().delete()
    wants_to_see(alice, out(949, "Heat", TODAY + 4 * DAY), out(603, "The Matrix", TODAY + 6 * DAY))
    assert releases.tell_releases(now=NOW + 12 * DAY) == 1
    assert Letter.objects.get().facts["titles"] == ["The Matrix"]


def test_a_date_that_moves_into_the_past_is_told_once_up_to_a_week_later(alice: User, bob: User, dune: Movie) -> None:
    heat = out(949, "Heat", None)
    wants_to_see(alice, dune, out(603, "The Matrix", TODAY + 20 * DAY), heat, out(78, "Blade Runner", TODAY + 9 * DAY))
    assert releases.tell_releases(now=NOW) == 1
    Movie.objects.filter(tmdb_id=603).update(release_date=TODAY + 2 * DAY)
    Movie.objects.filter(tmdb_id=949).update(release_date=TODAY + 3 * DAY)
    Movie.objects.filter(tmdb_id=78).update(release_date=TODAY - 3 * DAY)
    wants_to_see(bob)
    Watchlist.objects.create(user=bob, movie=heat, created_at=NOW + 4 * DAY)

    days = [releases.tell_releases(now=NOW + number * DAY) for number in range(5, 20)]

    assert days == [1, *[0] * 14]
    assert {letter.user_id: letter.facts["titles"] for letter in Letter.objects.order_by("pk")} == {
        alice.pk: ["Heat", "The Matrix"]
    }


@pytest.mark.parametrize("moved_to", [TODAY - DAY, TODAY + DAY, TODAY + 6 * DAY])
def test_what_was_told_is_not_told_again_where_its_date_moves_a_little(
    alice: User, dune: Movie, moved_to: dt.date
) -> None:
    wants_to_see(alice, dune)
    assert [releases.tell_releases(now=NOW - DAY), releases.tell_releases(now=NOW)] == [0, 1]
    Movie.objects.update(release_date=moved_to)

    days = [releases.tell_releases(now=NOW + number * DAY) for number in range(1, 20)]

    assert days == [0] * 19
    assert ToldReleases.objects.count() == releases.REMEMBERED_FOR.days + 1


def test_what_the_program_before_has_told_is_not_told_again(alice: User, dune: Movie) -> None:
    wants_to_see(alice, dune)
    ToldReleases.objects.create(day=TODAY - DAY, done_at=NOW)
    ToldReleases.objects.create(day=TODAY, done_at=NOW)

    assert [releases.tell_releases(now=NOW + number * DAY) for number in range(3)] == [0] * 3


def test_a_run_that_is_killed_is_gone_on_with(
    alice: User, bob: User, dune: Movie, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    wants_to_see(alice, dune)
    wants_to_see(bob, dune)
    monkeypatch.setattr(releases, "AT_ONCE", 1)
    real = letters.post

    def killed(kind: Letter.Kind, **facts: Any) -> None:
        if facts["user"] == bob:
            raise KeyboardInterrupt
        real(kind, **facts)

    monkeypatch.setattr(letters, "post", killed)
    with pytest.raises(KeyboardInterrupt):
        releases.tell_releases(now=NOW)
    monkeypatch.setattr(letters, "post", real)

    assert [releases.tell_releases(now=NOW), releases.tell_releases(now=NOW)] == [1, 0]
    assert [to for to, _ in told(mailbox)] == ["alice@example.org", "bob@example.org"]


@pytest.mark.django_db(transaction=True)
def test_of_two_runs_at_once_one_tells_each_person(alice: User, bob: User, dune: Movie) -> None:
    wants_to_see(alice, dune)
    wants_to_see(bob, dune)

    counts = at_once(*[functools.partial(releases.tell_releases, now=NOW)] * 2)

    assert sum(int(str(count)) for count in counts) == 2
    assert Letter.objects.count() == 2


def test_reading_what_is_to_be_told_and_to_whom_takes_a_query_each_however_many_films(alice: User, dune: Movie) -> None:
    wants_to_see(alice, dune, *(out(number, f"Film {number}", TODAY) for number in range(1, 40)))

    with CaptureQueriesContext(connection) as queries:
        releases.tell_releases(now=NOW)

    assert len([query for query in queries if "library_watchlist" in query["sql"]]) == 2
    assert len(Letter.objects.get().facts["titles"]) == releases.MOST_TITLES


def test_the_schedule_looks_every_hour(settings: Settings, alice: User, dune: Movie) -> None:
    wants_to_see(alice, dune)
    [periodic] = [periodic for periodic in registered() if periodic.task == tasks.tell_releases]

    assert periodic.every == dt.timedelta(hours=1)
    assert periodic.task.call() == 1
