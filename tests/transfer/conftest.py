"""A data directory of its own for every test, and a web server on this machine."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings


@pytest.fixture(autouse=True)
def data_dir(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path / "data"
    return tmp_path / "data"


@dataclass
class Website:
    """What is served under which path, and what was asked for."""

    url: str
    pages: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    drips: set[str] = field(default_factory=set)
    """Paths that answer a byte at a time."""
    unannounced: set[str] = field(default_factory=set)
    """Paths that don't say how long their answer is."""
    breaks_off: set[str] = field(default_factory=set)
    """Paths that say they send twice what they do."""
    asked: list[str] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    server: WebServer

    def do_GET(self) -> None:
        site = self.server.site
        site.asked.append(self.path)
        if self.path in site.redirects:
            self.send_response(302)
            self.send_header("Location", site.redirects[self.path])
            self.end_headers()
        elif self.path in site.pages:
            self._send(site.pages[self.path], site)
        else:
            self.send_error(404)

    def _send(self, content: bytes, site: Website) -> None:
        self.send_response(200)
        if self.path not in site.unannounced:
            promised = len(content) * (2 if self.path in site.breaks_off else 1)
            self.send_header("Content-Length", str(promised))
        self.end_headers()
        size = 1 if self.path in site.drips else len(content)
        for start in range(0, len(content), size):
            self.wfile.write(content[start : start + size])
            self.wfile.flush()
            time.sleep(0.05 if self.path in site.drips else 0)

    def log_message(self, *_: object) -> None:
        pass

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # the client had enough
            super().handle()


class WebServer(ThreadingHTTPServer):
    daemon_threads = True
    site: Website


@pytest.fixture
def website() -> Iterator[Website]:
    server = WebServer(("127.0.0.1", 0), Handler)
    server.site = Website(url=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.site
    server.shutdown()
    thread.join()
    server.server_close()
