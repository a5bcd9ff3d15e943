"""A program of its own: in each of some threads statements fail, and then its connection is closed while another thread
collects garbage. It ends with 0, or not at all of its own will."""

from __future__ import annotations

import gc
import sys
import threading
from contextlib import suppress

import django
from django.db import IntegrityError, connection

THREADS, ROUNDS, FAILURES = 5, 300, 20


def collect_until(closed: threading.Event) -> None:
    while not closed.is_set():
        gc.collect()


def fail_and_close() -> None:
    for _ in range(ROUNDS):
        for _ in range(FAILURES):
            with suppress(IntegrityError):  # nobody closes the cursor, as Django does not where a transaction begins
                connection.cursor().execute("INSERT INTO once VALUES (1)")
        closed = threading.Event()
        beside = threading.Thread(target=collect_until, args=(closed,))
        beside.start()
        connection.close()
        closed.set()
        beside.join()


def main() -> None:
    django.setup()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE once (number INTEGER UNIQUE)")
        cursor.execute("INSERT INTO once VALUES (1)")
    connection.close()
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
