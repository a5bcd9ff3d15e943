"""A store that speaks S3, on this machine: moto's server, asked over real connections."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from tests.operations.processes import eventually, free_port

BUCKET = "films"
KEYS = {"AWS_ACCESS_KEY_ID": "anybody", "AWS_SECRET_ACCESS_KEY": "anything", "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def s3() -> Iterator[dict[str, str]]:
    """What has a program use it, for its environment; it has one empty bucket."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | KEYS)
    try:
        assert eventually(lambda: _made_bucket(url), within=60)
        yield {**KEYS, "AWS_ENDPOINT_URL": url}
    finally:
        server.kill()
        server.wait(timeout=30)


def _made_bucket(url: str) -> bool:
    asking = urllib.request.Request(f"{url}/{BUCKET}", method="PUT")
    try:
        with urllib.request.urlopen(asking, timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
