"""The floor: granian answers every read with the same bytes, neither framework nor database behind it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

READ = Path(os.environ["FLOOR_CONTENT"]).read_bytes()
SIGN_IN = b'{"access": "token"}'


def application(environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], Any]) -> list[bytes]:
    content = SIGN_IN if environ["REQUEST_METHOD"] == "POST" else READ
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    return [content]
