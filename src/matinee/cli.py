"""`matinee`: Django's manage.py under the product's name."""

from __future__ import annotations

import os
import sys

from matinee import __version__
from matinee.core.env import ConfigurationError


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "matinee.settings")
    if sys.argv[1:2] == ["--version"]:
        sys.stdout.write(f"{__version__}\n")
        return
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - it reads the settings

    try:
        execute_from_command_line(sys.argv)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(78)  # EX_CONFIG


if __name__ == "__main__":
    main()
