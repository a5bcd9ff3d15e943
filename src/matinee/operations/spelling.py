"""A setting whose name is misspelt changes nothing, and is told where settings are looked at."""

from __future__ import annotations

from typing import Any

from django.core import checks

from matinee.core import env


def known_settings(**_options: Any) -> list[checks.CheckMessage]:
    """One of Django's checks: `matinee serve` tells what it finds as it starts, the doctor too."""
    return [
        checks.Warning(f"{name} is no setting and changes nothing.", hint=f"Is {meant} meant?", id="matinee.W001")
        for name, meant in env.misspelt().items()
    ]
