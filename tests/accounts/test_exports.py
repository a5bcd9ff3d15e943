"""An export holds what is held about its person, and nothing about anybody else."""

from __future__ import annotations

import csv
import datetime as dt
import functools
import io
import json
import stat
import zipfile
from typing import Any

import pytest

from matinee.accounts import export_files, exports
from matinee.accounts.export_tasks import forget_expired_exports
from matinee.accounts.models import Export, User
from matinee.accounts.privacy import reasons_to_leave_out, sections
from matinee.accounts.services import update_profile
from matinee.accounts.sessions import open_session
from matinee.audit.models import Event
from matinee.catalog.models import Movie
from matinee.core.jobs.schedule import registered
from matinee.core.jobs.worker import Worker
from matinee.library import services
from matinee.library.models import Favorite, MovieRating
from tests.accounts.conftest import NOW
from tests.at_once import at_once

BORN = dt.date(1990, 5, 17)
DAY = dt.timedelta(days=1)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_a_disk_of_its_own")]


OF_FORMULAS = "In csv/ a text that a spreadsheet would take for a formula has an apostrophe before it."
GONE = r"^There is no such export, or it has expired\. Ask for a new one\.$"


def film(tmdb_id: int, title: str = "The Matrix") -> Movie:
    return Movie.objects.create(tmdb_id=tmdb_id, title=title, created_at=NOW, updated_at=NOW)


def rate(user: User, movie: Movie, review: str) -> None:
    services.rate_movie(user=user, movie_pk=movie.pk, stars=4, review=review, private=True, now=NOW)


def asked(user: User) -> zipfile.ZipFile:
    made = exports.ask(user=user, now=NOW)
    assert isinstance(made, bytes)
    return zipfile.ZipFile(io.BytesIO(made))


def read(packed: zipfile.ZipFile, name: str) -> Any:
    return json.loads(packed.read(f"json/{name}.json"))


def test_it_holds_what_is_held_about_the_person(alice: User, bob: User) -> None:
    matrix = film(603)
    update_profile(user=alice, changes={"bio": "Slow films.", "birth_date": BORN}, now=NOW)
    open_session(user=alice, now=NOW)
    services.add(Favorite, user=alice, movie_pk=matrix.pk, now=NOW)
    rate(alice, matrix, "Still a marvel.")
    rate(bob, matrix, "bob's secret review")

    packed = asked(alice)

    assert packed.testzip() is None
    [account] = read(packed, "account")
    [profile] = read(packed, "profile")
    [rating] = read(packed, "ratings")
    assert (account["email"], account["username"]) == ("alice@example.org", "alice")
    assert (profile["bio"], profile["birth_date"]) == ("Slow films.", "1990-05-17")
    assert (rating["movie_id"], rating["title"], rating["rating"]) == (603, "The Matrix", 4)
    assert (rating["review"], rating["review_private"]) == ("Still a marvel.", True)
    assert [entry["movie_id"] for entry in read(packed, "favorites")] == [603]
    assert len(read(packed, "sessions")) == 1
    assert [event["action"] for event in read(packed, "activity")] == [
        "account_made", "profile_changed", "favorite_added", "rating_given", "export_asked",
    ]  # fmt: skip


def test_its_files_are_of_the_moment_that_it_was_made_and_small(alice: User) -> None:
    entries = asked(alice).infolist()

    assert {entry.date_time for entry in entries} == {NOW.timetuple()[:6]}
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_DEFLATED}


def test_it_holds_nothing_of_anybody_else_and_no_secret(alice: User, bob: User) -> None:
    matrix = film(603)
    rate(bob, matrix, "bob's secret review")
    open_session(user=alice, now=NOW)

    packed = asked(alice)

    everything = b"".join(packed.read(name) for name in packed.namelist())
    assert b"bob" not in everything
    assert bob.audit_key.encode() not in everything
    assert b"argon2" not in everything


def test_json_and_csv_say_the_same_and_every_section_is_there(alice: User) -> None:
    for number in range(3):
        rate(alice, film(number + 1), f"Review {number}, with a comma\nand a line.")

    packed = asked(alice)

    names = {section.name for section in sections()}
    assert set(packed.namelist()) == {"README.txt", *(f"{kind}/{n}.{kind}" for n in names for kind in ("json", "csv"))}
    rows = list(csv.DictReader(io.StringIO(packed.read("csv/ratings.csv").decode())))
    assert [row["review"] for row in rows] == [row["review"] for row in read(packed, "ratings")]


@pytest.mark.parametrize("formula", ['=HYPERLINK("http://x")', "+1+1", "-2", "@SUM(A1)", "\t=1", "\n=1", "\uff1d1"])
def test_a_cell_that_would_be_a_formula_is_text(alice: User, formula: str) -> None:
    rate(alice, film(603), formula)

    packed = asked(alice)

    [row] = csv.DictReader(io.StringIO(packed.read("csv/ratings.csv").decode(), newline=""))
    assert row["review"] == f"'{formula}"
    assert read(packed, "ratings")[0]["review"] == formula


def test_a_list_in_a_cell_is_json(alice: User) -> None:
    update_profile(user=alice, changes={"favorite_genres": [18, 35]}, now=NOW)

    [row] = csv.DictReader(io.StringIO(asked(alice).read("csv/profile.csv").decode(), newline=""))

    assert row["favorite_genres"] == "[18,35]"


def test_a_section_is_an_array_with_a_line_for_each_row_or_an_empty_one(alice: User) -> None:
    for number in range(2):
        services.add(Favorite, user=alice, movie_pk=film(number + 1).pk, now=NOW)

    packed = asked(alice)

    lines = packed.read("json/favorites.json").decode().split("\n")
    assert [lines[0], lines[1][-2:], lines[2][-1:], *lines[3:]] == ["[", "},", "}", "]", ""]
    assert packed.read("json/watchlist.json") == b"[]\n"


def test_it_says_when_it_was_made_and_what_is_not_in_it(alice: User) -> None:
    told = asked(alice).read("README.txt").decode()

    beginning, left_out = told.splitlines()[:5], told.splitlines()[5:]
    assert beginning == [
        "Everything that this service holds about you, as of 2026-03-01T12:00:00+00:00.",
        "",
        f"json/ and csv/ say the same. {OF_FORMULAS}",
        "",
        "Not in here, and why:",
    ]
    proofs = "It proves who somebody is, and is stored as a digest alone."
    assert f"- letters (digest), refresh tokens, account (password): {proofs}" in left_out
    assert len(left_out) == len({*reasons_to_leave_out().values()})
    for label, reason in reasons_to_leave_out().items():
        [line] = [line for line in left_out if line.endswith(f": {reason}")]
        assert all(field in line for field in label.split(".")[2:])
    assert told.endswith("\n")


def test_it_is_audited(alice: User) -> None:
    asked(alice)

    event = Event.objects.latest("id")
    assert (event.action, event.actor, event.subject) == ("export_asked", alice.audit_key, alice.audit_key)
    assert event.at == NOW


@pytest.fixture
def large(alice: User, monkeypatch: pytest.MonkeyPatch) -> User:
    """alice, about whom there is more than is made at once."""
    monkeypatch.setattr(exports, "MADE_AT_ONCE", 10)
    monkeypatch.setattr(export_files, "TOLD_EVERY", 4)
    movies = [film(number + 1) for number in range(12)]
    MovieRating.objects.bulk_create(
        MovieRating(user=alice, movie=movie, rating=3, review="x", created_at=NOW, updated_at=NOW) for movie in movies
    )
    return alice


def of_job(user: User) -> Export:
    made = exports.ask(user=user, now=NOW)
    assert isinstance(made, Export)
    return made


def test_a_large_one_is_made_by_a_job(large: User) -> None:
    now = dt.datetime.now(dt.UTC)
    made = exports.ask(user=large, now=now)
    assert isinstance(made, Export)
    before = export_files.path_of(made).exists()

    while Worker(queues=["default"]).run_one(now=now):
        pass

    found = exports.find(user=large, export_id=made.pk, now=now)
    path = export_files.path_of(made)
    assert (before, found.ready_at is not None, found.rows_done) == (False, True, made.rows)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(read(zipfile.ZipFile(path), "ratings")) == 12


def test_what_is_exactly_as_much_as_is_made_at_once_is(large: User, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = of_job(large).rows
    Export.objects.all().delete()
    monkeypatch.setattr(exports, "MADE_AT_ONCE", rows + 1)  # what asking wrote into the trail is a row, too

    assert isinstance(exports.ask(user=large, now=NOW), bytes)


def test_its_folder_is_for_its_user_alone_and_holds_nothing_half_made(large: User) -> None:
    made = of_job(large)

    export_files.make(export_id=made.pk, now=NOW)

    folder = export_files.folder()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == [f"{made.pk}.zip"]
    assert Export.objects.get().ready_at == NOW
    with exports.file_of(made) as file:
        assert file.read(2) == b"PK"


def test_one_that_is_ready_is_not_made_again(large: User) -> None:
    made = of_job(large)
    export_files.make(export_id=made.pk, now=NOW)
    export_files.path_of(made).write_bytes(b"as it was")

    export_files.make(export_id=made.pk, now=NOW)
    export_files.make(export_id=made.pk + 1, now=NOW)

    assert export_files.path_of(made).read_bytes() == b"as it was"


def test_asking_when_the_last_one_has_expired_is_a_new_one(large: User, bob: User) -> None:
    first = of_job(large)
    Export.objects.create(user=bob, created_at=NOW, expires_at=NOW + 9 * DAY, rows=1)

    again = exports.ask(user=large, now=NOW + DAY)

    assert isinstance(again, Export)
    assert (again.pk == first.pk, again.user, again.created_at) == (False, large, NOW + DAY)
    assert (first.expires_at, again.expires_at) == (NOW + DAY, NOW + 2 * DAY)
    with pytest.raises(exports.ExportNotFound, match=GONE):
        exports.find(user=large, export_id=first.pk, now=NOW + DAY)
    with pytest.raises(exports.ExportNotFound, match=GONE):
        exports.file_of(again)


def test_asking_again_meanwhile_is_the_same_export(large: User) -> None:
    assert of_job(large) == of_job(large)
    assert Export.objects.count() == 1


def test_asked_for_while_it_is_seen_that_there_is_none_it_is_the_same_export(
    large: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    latest = exports._latest
    meanwhile: list[bytes | Export] = []

    def asked_meanwhile(person: User, now: dt.datetime) -> Export | None:
        found = latest(person, now)
        monkeypatch.setattr(exports, "_latest", latest)
        meanwhile.append(exports.ask(user=large, now=NOW))
        return found

    monkeypatch.setattr(exports, "_latest", asked_meanwhile)

    assert [exports.ask(user=large, now=NOW)] == meanwhile == [Export.objects.get()]
    assert Event.objects.filter(action="export_asked").count() == 1


@pytest.mark.django_db(transaction=True)
def test_asking_several_times_at_once_is_one_export(large: User) -> None:
    made = at_once(*[functools.partial(exports.ask, user=large, now=NOW)] * 4)

    assert Export.objects.count() == 1
    assert {each.pk for each in made if isinstance(each, Export)} == {Export.objects.get().pk}
    assert Event.objects.filter(action="export_asked").count() == 1


def test_its_progress_is_put_down_on_the_way(large: User, monkeypatch: pytest.MonkeyPatch) -> None:
    made = of_job(large)
    seen: list[int] = []
    told = type(sections()[0]).told

    def watched(section: Any, row: Any) -> dict[str, Any]:
        seen.append(Export.objects.get(pk=made.pk).rows_done)
        return told(section, row)

    monkeypatch.setattr(type(sections()[0]), "told", watched)
    export_files.make(export_id=made.pk, now=NOW)

    assert {0, 4, 8, 12} <= set(seen)
    assert max(seen) <= made.rows + 1  # what asking wrote into the trail is a row, too
    assert Export.objects.get().rows_done == made.rows


def test_it_expires_with_its_file(large: User) -> None:
    made = of_job(large)
    export_files.make(export_id=made.pk, now=NOW)
    path = export_files.path_of(made)
    (path.parent / "999.new").write_bytes(b"half of one")

    early = export_files.forget_expired(now=NOW + DAY / 2)
    is_kept = path.exists()
    late = export_files.forget_expired(now=NOW + DAY)

    assert (early, is_kept, late) == (0, True, 1)
    assert list(path.parent.iterdir()) == []
    with pytest.raises(exports.ExportNotFound):
        exports.find(user=large, export_id=made.pk, now=NOW)


def test_the_job_worker_lets_exports_expire_every_hour(large: User) -> None:
    made = of_job(large)
    export_files.make(export_id=made.pk, now=NOW)
    periodic = next(periodic for periodic in registered() if periodic.task == forget_expired_exports)

    assert periodic.every == dt.timedelta(hours=1)
    assert periodic.task.call() == 1  # NOW is long past
    assert not export_files.path_of(made).exists()


def test_one_is_made_beside_those_of_others_which_stay(large: User, bob: User) -> None:
    of_bob = Export.objects.create(user=bob, created_at=NOW, expires_at=NOW + DAY, rows=1)
    both = of_job(large), of_bob

    for made in both:
        export_files.make(export_id=made.pk, now=NOW)

    accounts = [read(zipfile.ZipFile(export_files.path_of(made)), "account")[0]["username"] for made in both]
    assert accounts == ["alice", "bob"]


def test_nobody_has_anothers(large: User, bob: User) -> None:
    made = of_job(large)

    with pytest.raises(exports.ExportNotFound):
        exports.find(user=bob, export_id=made.pk, now=NOW)


def test_whose_account_goes_meanwhile_leaves_no_file(large: User, monkeypatch: pytest.MonkeyPatch) -> None:
    made = of_job(large)
    write = export_files.write

    def write_and_lose(*given: Any, **more: Any) -> None:
        write(*given, **more)
        Export.objects.all().delete()

    monkeypatch.setattr(export_files, "write", write_and_lose)
    export_files.make(export_id=made.pk, now=NOW)
    export_files.make(export_id=made.pk, now=NOW)

    assert not export_files.path_of(made).exists()


def test_rows_are_read_with_what_they_need(alice: User, django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        rate(alice, film(number + 1), "x")
    for_each = 2  # once for JSON, once for CSV

    with django_assert_max_num_queries(len(sections()) * (for_each + 1) + 6):
        asked(alice)
