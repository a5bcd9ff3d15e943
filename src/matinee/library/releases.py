"""Mails about films of people's watchlists that have come out, to those who asked for that in their profile.

Each day tells what comes out on it, and what came out in the week before and was not told, since nothing ran or since
its date was not known: TMDb moves dates, into the past, too. Which films those are is noted first. Then people are told
in the order of their ids, some in one transaction, which also notes how far it has come: a run that is killed is gone
on with by the next one, and nobody is told twice.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.db import connection, transaction
from django.db.models import F

from matinee.accounts import letters
from matinee.accounts.models import RELEASES, Letter, User
from matinee.catalog.ceiling import own_ceiling, permitted
from matinee.library.models import ToldReleases, Watchlist

AT_ONCE = 100
"""People a transaction, which on SQLite holds up every writer."""
AT_MOST_LATE = dt.timedelta(days=7)
"""What came out longer ago is no news any more."""
REMEMBERED_FOR = 2 * AT_MOST_LATE
"""A film that was told is not told again within this, wherever its date moves."""
MOST_TITLES = 20
"""Named in one mail."""


def tell_releases(*, now: dt.datetime) -> int:
    """Have mails sent about what has come out and was not told yet, once a day; returns how many."""
    today = now.astimezone(dt.UTC).date()
    if not ToldReleases.objects.filter(day=today).exists():
        ToldReleases.objects.get_or_create(day=today, defaults={"films": _news(today)})
    unfinished = ToldReleases.objects.filter(done_at=None, day__gte=today - AT_MOST_LATE).order_by("day")
    told = sum(_tell(progress, now=now) for progress in unfinished)
    ToldReleases.objects.filter(day__lt=today - REMEMBERED_FOR).delete()
    return told


def keep_what_was_told(*, using: str) -> None:
    """Have another database know of each day that was told from this one, which may lack the newest column: it takes
    this one's place."""
    table = ToldReleases._meta.db_table  # noqa: SLF001 - Django's public name for it
    with connection.cursor() as cursor:
        here = {column.name for column in connection.introspection.get_table_description(cursor, table)}
    names = here & {"day", "done_at", "films"}
    for told in ToldReleases.objects.exclude(done_at=None).values(*names):
        ToldReleases.objects.using(using).update_or_create(day=told.pop("day"), defaults=told)


def _news(today: dt.date) -> list[int]:
    """The TMDb ids of what came out within the week, since anything was ever told, and has not been told."""
    before = ToldReleases.objects.order_by("day")
    oldest = before.first()
    since = today if oldest is None else max(oldest.day, today - AT_MOST_LATE)
    told = {tmdb_id for day in before for tmdb_id in _films_of(day)}
    return [tmdb_id for tmdb_id in _awaited(since, today) if tmdb_id not in told]


def _films_of(day: ToldReleases) -> list[int]:
    return _awaited(day.day, day.day) if day.films is None else day.films


def _awaited(first: dt.date, last: dt.date) -> list[int]:
    """The TMDb ids of films on anybody's watchlist that come out on these days."""
    awaited = Watchlist.objects.filter(movie__release_date__range=(first, last))
    return sorted(awaited.values_list("movie__tmdb_id", flat=True).distinct())


def _tell(day: ToldReleases, *, now: dt.datetime) -> int:
    titles = _titles_by_person(_films_of(day), after=day.up_to_person)
    people = sorted(titles)
    told = sum(
        _post(day.day, people[start : start + AT_ONCE], titles, now=now) for start in range(0, len(people), AT_ONCE)
    )
    ToldReleases.objects.filter(day=day.day).update(done_at=now)
    return told


def _titles_by_person(films: Sequence[int], *, after: int) -> Mapping[int, list[str]]:
    """By User.pk above `after`, which of `films` are on their watchlist and may be shown to them; one query.

    Only of people who want to know, and whose address is known to be theirs. Who puts a film on their list when it is
    out knows that it is.
    """
    waiting = Watchlist.objects.filter(
        movie__tmdb_id__in=films,
        created_at__date__lte=F("movie__release_date"),
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
