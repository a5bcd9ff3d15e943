"""`python -m benchmarks.tmdb.mirror FILMS PER_SECOND`: one first fill in a process of its own, told as JSON.

It asks what MATINEE_TMDB_STAND_IN names. Its data directory is that of MATINEE_DATA_DIR, its database is made first.
CPU and memory are of this process alone.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

import benchmarks.django_ready  # noqa: F401 - models can be imported from here on
from matinee.catalog.models import Movie
from matinee.tmdb.client import Access, Client
from matinee.tmdb.connection import PACE_FILE, MirrorScope
from matinee.tmdb.pace import Pace
from matinee.tmdb.sync import synchronise
from matinee.tmdb.transport import Origins, Transport


def main() -> None:
    films, per_second = int(sys.argv[1]), float(sys.argv[2])
    call_command("migrate", verbosity=0)
    client = Client(
        Access("benchmark", "en-US"),
        transport=Transport(Origins.of_stand_in(settings.TMDB_STAND_IN)),
        pace=Pace(settings.DATA_DIR / PACE_FILE, per_second=per_second),
    )
    before, began_at = _cpu_seconds(), time.monotonic()
    synchronise(client, scope=MirrorScope(films, adult=False, video=False), clock=timezone.now)
    measured = {
        "seconds": time.monotonic() - began_at,
        "cpu_seconds": _cpu_seconds() - before,
        "peak_mib": _peak_kib() / 1024,
        "stored": Movie.objects.count(),
    }
    print(json.dumps(measured))


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak_kib() -> int:
    """The kernel's ru_maxrss would begin with what the parent held when it started this process."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    main()
