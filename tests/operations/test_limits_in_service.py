"""The limits of an instance with two web workers, asked over real connections."""

from __future__ import annotations

import http.client
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from tests.operations.instances import started


def sign_ins(port: int, times: int) -> list[int]:
    """The statuses of so many tries; an empty body costs the least that one can."""
    statuses = []
    for number in range(times):
        asking = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Content-Type": "application/json", "X-Forwarded-For": f"10.0.0.{number}"}
        asking.request("POST", "/api/v1/users/login/", "{}", headers)
        answer = asking.getresponse()
        answer.read()
        statuses.append(answer.status)
        asking.close()
    return statuses


def test_of_400_sign_ins_over_two_workers_exactly_50_are_looked_at(tmp_path: Path) -> None:
    with started(tmp_path, "serve", "--workers", "2", "--web-only", MATINEE_LIMIT_SIGN_IN="50") as instance:
        if time.time() % 60 > 40:
            time.sleep(60 - time.time() % 60)  # the limit is one of a minute, which must not end meanwhile

        with ThreadPoolExecutor(16) as pool:
            answered = Counter(chain.from_iterable(pool.map(lambda _: sign_ins(instance.port, 25), range(16))))

        assert answered == {422: 50, 429: 350}
