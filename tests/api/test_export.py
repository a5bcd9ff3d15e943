"""GET users/export/ and users/export/{id}/."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from django.utils import timezone

from matinee.accounts import export_files, exports
from matinee.accounts.models import Export
from tests.api.conftest import Answer, Api, MakeMovie

pytestmark = pytest.mark.usefixtures("_a_disk_of_its_own")


def content_of(response: Answer) -> bytes:
    return b"".join(response) if response.streaming else response.content


def account_in(response: Answer) -> str:
    packed = zipfile.ZipFile(io.BytesIO(content_of(response)))
    return str(json.loads(packed.read("json/account.json"))[0]["username"])


def test_it_is_a_zip_that_no_cache_keeps(as_alice: Api, make_movie: MakeMovie) -> None:
    make_movie(603)
    as_alice.post("movies/603/rate/", {"rating": 5, "review": "Still a marvel."})

    response = as_alice.get("users/export/")

    assert (response.status_code, response["Content-Type"]) == (200, "application/zip")
    assert response["Content-Disposition"] == 'attachment; filename="matinee-export.zip"'
    assert response["Cache-Control"] == "no-store"
    assert account_in(response) == "alice"


def test_a_large_one_is_a_202_that_tells_where_it_will_be_and_how_far_it_is(
    as_alice: Api, as_bob: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MADE_AT_ONCE", 0)

    asked = as_alice.get("users/export/")
    place = asked["Location"]
    meanwhile = as_alice.get(place)
    made = Export.objects.get()
    export_files.make(export_id=made.pk, now=timezone.now())
    ready = as_alice.get(place)

    assert (asked.status_code, meanwhile.status_code, ready.status_code) == (202, 202, 200)
    assert asked.json()["rows"] == meanwhile.json()["rows"] > 0
    assert (meanwhile.json()["rows_done"], meanwhile["Retry-After"]) == (0, "2")
    assert account_in(ready) == "alice"
    assert ready["Cache-Control"] == "no-store"
    assert as_alice.get("users/export/")["Location"] == place
    assert as_bob.get(place).status_code == 404


def test_one_that_expired_or_never_was_is_a_404(as_alice: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MADE_AT_ONCE", 0)
    place = as_alice.get("users/export/")["Location"]
    Export.objects.update(expires_at=timezone.now())

    answers = [as_alice.get(place), as_alice.get("users/export/999999/")]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "export_not_found")] * 2


def test_one_whose_file_is_gone_is_a_404_too(as_alice: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MADE_AT_ONCE", 0)
    place = as_alice.get("users/export/")["Location"]
    Export.objects.update(ready_at=timezone.now())

    answer = as_alice.get(place)

    assert (answer.status_code, answer.json()["code"]) == (404, "export_not_found")


def test_it_needs_a_token(api: Api) -> None:
    assert [api.get(f"users/export/{what}").status_code for what in ("", "1/")] == [401, 401]
