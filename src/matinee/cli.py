"""`matinee`: Django's manage.py under the product's name."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext

from matinee import __version__
from matinee.core import env
from matinee.core.durability import takes_no_more
from matinee.core.processes import folder_of_a_tree, tell_where_it_dies

LEAN_THREADS = {"_RJEM_MALLOC_CONF": "tcache:false"}
"""For the allocator of the web server, which reads it when it is loaded: else each of its threads keeps 100 KB
of what was freed, and nothing is quicker for it."""
TREES = {"serve": LEAN_THREADS, "demo": LEAN_THREADS | {"MATINEE_LIMITS_TIMES": "10"}}
"""Commands whose processes count together, and what stands in their environment unless somebody has set it: whoever
asks a demo is on this machine."""

LOOKERS = frozenset({"", "doctor", "help", "--help", "-h"})
"""Commands that make nothing, whatever of the data directory is missing."""


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "matinee.settings")
    tell_where_it_dies()
    if sys.argv[1:2] == ["--version"]:
        sys.stdout.write(f"{__version__}\n")
        return
    from django.db import DatabaseError  # noqa: PLC0415 - to tell the version needs no Django

    from matinee.core.commands import Commands  # noqa: PLC0415 - to tell the version needs no Django
    from matinee.core.database import OUTDATED, is_outdated, is_unusable, told  # noqa: PLC0415 - to tell the version needs no Django

    command = sys.argv[1] if len(sys.argv) > 1 else ""
    env.makes_what_is_missing = command not in LOOKERS
    for name, value in TREES.get(command, {}).items():
        os.environ.setdefault(name, value)
    try:
        with folder_of_a_tree() if command in TREES else nullcontext():
            Commands(sys.argv).execute()
    except env.ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(os.EX_CONFIG)
    except DatabaseError as error:
        if "--traceback" in sys.argv:
            raise
        if is_outdated(error):
            sys.exit(OUTDATED)
        if not is_unusable(error):
            raise
        sys.stderr.write(f"{told(error)}\n")
        sys.exit(os.EX_UNAVAILABLE)
    except OSError as error:
        if "--traceback" in sys.argv or not takes_no_more(error):
            raise
        sys.stderr.write(f"{error.strerror}. `matinee doctor` tells where to make room.\n")
        sys.exit(os.EX_IOERR)


if __name__ == "__main__":
    main()
