"""A program of its own: in each of some threads transactions can't begin, and then its connection is closed while
another thread collects garbage. It ends with 0, or not at all of its own will."""

from __future__ import annotations

import gc
import sys
import threading
from contextlib import suppress

import django
from django.db import OperationalError, connection, transaction

THREADS, ROUNDS, FAILURES = 5, 300, 20


def collect_until(closed: threading.Event) -> None:
    while not closed.is_set():
        gc.collect()


def fail_and_close() -> None:
    for _ in range(ROUNDS):
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
        for _ in range(FAILURES):
            with suppress(OperationalError), transaction.atomic():  # none can begin within another
                pass
        closed = threading.Event()
        beside = threading.Thread(target=collect_until, args=(closed,))
        beside.start()
        connection.close()
        closed.set()
        beside.join()


def main() -> None:
    django.setup()
    gc.freeze()  # or each collection would look through all of Django
    gc.disable()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=fail_and_close) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
