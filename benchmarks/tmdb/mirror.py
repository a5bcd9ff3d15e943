"""`python -m benchmarks.tmdb.mirror URL FILMS PER_SECOND`: one first fill in a process of its own, told as JSON.

Its data directory is that of MATINEE_DATA_DIR, its database is made first. CPU and memory are of this process alone.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path


def main() -> None:
    url, films, per_second = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    os.environ["MATINEE_TMDB_STAND_IN"] = url
    os.environ["DJANGO_SETTINGS_MODULE"] = "matinee.settings"
    import django  # noqa: PLC0415 - the environment comes first

    django.setup()
    from django.conf import settings  # noqa: PLC0415 - as above
    from django.core.management import call_command  # noqa: PLC0415 - as above
    from django.utils import timezone  # noqa: PLC0415 - as above

    from matinee.catalog.models import Movie  # noqa: PLC0415 - as above
    from matinee.tmdb.client import Access, Client  # noqa: PLC0415 - as above
    from matinee.tmdb.connection import PACE_FILE, Wishes  # noqa: PLC0415 - as above
    from matinee.tmdb.pace import Pace  # noqa: PLC0415 - as above
    from matinee.tmdb.sync import synchronise  # noqa: PLC0415 - as above
    from matinee.tmdb.transport import Origins, Transport  # noqa: PLC0415 - as above

    call_command("migrate", verbosity=0)
    client = Client(
        Access("benchmark", "en-US"),
        transport=Transport(Origins.of_stand_in(url)),
        pace=Pace(settings.DATA_DIR / PACE_FILE, per_second=per_second),
    )
    before, began_at = _cpu_seconds(), time.monotonic()
    synchronise(client, wishes=Wishes(films, adult=False, video=False), clock=timezone.now)
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
