"""What one worker has given, another one knows again: an ETag is of the answer, and of no process."""

from __future__ import annotations

import http.client
from pathlib import Path

from tests.operations.instances import database, started_on
from tests.operations.test_killed_processes import FILMS, NO_LIMITS, PASSWORD, ask, prepared

CONNECTIONS = 16
"""Each over one of two workers, by chance."""


def etag_of(port: int, path: str, token: str) -> str | None:
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    asking.request("GET", f"/api/v1/{path}", headers={"Authorization": f"Bearer {token}"} if token else {})
    etag = asking.getresponse().headers["ETag"]
    asking.close()
    return etag


def test_all_workers_give_one_person_the_same_etags_and_no_other_person(tmp_path: Path) -> None:
    paths = ("movies/", f"movies/{FILMS[0]}/", f"movies/{FILMS[0]}/rate/", "movies/favorites/", "users/profile/")
    with database() as url:
        prepared(url, tmp_path)
        with started_on(url, tmp_path, "serve", "--workers", "2", "--web-only", **NO_LIMITS) as instance:
            bodies = [{"email": f"{name}@example.org", "password": PASSWORD} for name in ("alice", "bob")]
            alice, bob = (ask(instance.port, "POST", "users/register/", body)[1]["access"] for body in bodies)

            hers = {path: {etag_of(instance.port, path, alice) for _ in range(CONNECTIONS)} for path in paths}
            his = {path: etag_of(instance.port, path, bob) for path in paths}

    assert {path: len(etags) for path, etags in hers.items()} == dict.fromkeys(paths, 1)
    assert not {path for path in paths if his[path] is None or his[path] in hers[path]}
