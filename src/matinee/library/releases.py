"""Mails about films of people's watchlists on the day they come out, to those who asked for that in their profile.

A day is told person by person in the order of their ids, some in one transaction, which also notes how far it has
come: a run that is killed is gone on with by the next one, and nobody is told twice.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.db import transaction

from matinee.accounts import letters
from matinee.accounts.models import RELEASES, Letter, User
from matinee.catalog.ceiling import own_ceiling, permitted
from matinee.library.models import ToldReleases, Watchlist

AT_ONCE = 100
"""People a transaction, which on SQLite holds up every writer."""
AT_MOST_LATE = dt.timedelta(days=7)
"""What came out longer ago, while nothing ran, is no news any more."""
MOST_TITLES = 20
"""Named in one mail."""


def tell_releases(*, now: dt.datetime) -> int:
    """Have mails sent about what came out on each day up to today that was not told yet; returns how many."""
    today = now.astimezone(dt.UTC).date()
    last = ToldReleases.objects.order_by("-day").first()
    day = today if last is None else max(last.day, today - AT_MOST_LATE)
    told = 0
    while day <= today:
        told += _tell(day, now=now)
        day += dt.timedelta(days=1)
    ToldReleases.objects.filter(day__lt=today - AT_MOST_LATE).delete()
    return told


def keep_what_was_told(*, using: str) -> None:
    """Have another database know of each day that was told from this one: it takes this one's place."""
    for told in ToldReleases.objects.exclude(done_at=None):
        ToldReleases.objects.using(using).update_or_create(day=told.day, defaults={"done_at": told.done_at})


def _tell(day: dt.date, *, now: dt.datetime) -> int:
    progress, _ = ToldReleases.objects.get_or_create(day=day)
    if progress.done_at is not None:
        return 0
    titles = _titles_by_person(day, after=progress.up_to_person)
    people = sorted(titles)
    told = sum(_post(day, people[start : start + AT_ONCE], titles, now=now) for start in range(0, len(people), AT_ONCE))
    ToldReleases.objects.filter(day=day).update(done_at=now)
    return told


def _titles_by_person(day: dt.date, *, after: int) -> Mapping[int, list[str]]:
    """By User.pk above `after`, what comes out of their watchlist that may be shown to them; one query.

    Only of people who want to know, and whose address is known to be theirs.
    """
    waiting = Watchlist.objects.filter(
        movie__release_date=day,
        user__gt=after,
        user__is_active=True,
        user__email_verified_at__isnull=False,
        **{f"user__profile__notification_preferences__{RELEASES}": True},
    ).order_by("user", "-movie__popularity", "movie")
    titles: dict[int, list[str]] = defaultdict(list)
    columns = ("user_id", "movie__tmdb_id", "movie__title", "user__profile__maturity_ceiling")
    for person, tmdb_id, title, ceiling in waiting.values_list(*columns).iterator():
        if permitted([tmdb_id], own_ceiling(ceiling)):
            titles[person].append(title)
    return titles


@transaction.atomic
def _post(day: dt.date, people: Sequence[int], titles: Mapping[int, list[str]], *, now: dt.datetime) -> int:
    """One letter a person, but for those whom another run told meanwhile."""
    progress = ToldReleases.objects.select_for_update().get(day=day)
    told = 0
    for person in User.objects.filter(pk__in=people, pk__gt=progress.up_to_person).order_by("pk"):
        facts = {"titles": titles[person.pk][:MOST_TITLES]}
        letters.post(Letter.Kind.RELEASE, email=person.email, user=person, facts=facts, now=now)
        told += 1
    progress.up_to_person = max(progress.up_to_person, people[-1])
    progress.save(update_fields=["up_to_person"])
    return told
