"""Processes that die without a word."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable

from django.db import connections


def run_and_kill(work: Callable[[], None], *, after: float) -> None:
    """It is forked, so that it begins to work at once. Who dies earlier is not waited for any longer."""
    connections.close_all()  # a connection can't be shared with a fork
    doomed = multiprocessing.get_context("fork").Process(target=work)
    doomed.start()
    doomed.join(timeout=after)
    doomed.kill()
    doomed.join()
