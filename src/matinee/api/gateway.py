"""Between the web server and Django: a request in the form that Django reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from matinee.core.client_address import is_trusted_proxy

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]

BOUNDARY = re.compile(r"""boundary="?([A-Za-z0-9'()+_,./:=?-]{1,70})""")


class Gateway:
    """Puts two things right that Django meets before any middleware does.

    The parameters of a Content-Type say nothing here, where all is UTF-8; but Django would decode the query by a
    charset, and fail on one that decodes no text. And Django believes whoever says that it came by https, where only a
    proxy of ours may.
    """

    def __init__(self, application: Wsgi) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if ";" in environ.get("CONTENT_TYPE", ""):
            environ["CONTENT_TYPE"] = _plain(environ["CONTENT_TYPE"])
        if "HTTP_X_FORWARDED_PROTO" in environ and not is_trusted_proxy(environ["REMOTE_ADDR"]):
            del environ["HTTP_X_FORWARDED_PROTO"]
        return self.application(environ, start_response)


def _plain(content_type: str) -> str:
    """The media type, of its parameters only the boundary that forms in parts need."""
    media_type = content_type.partition(";")[0].strip()
    boundary = BOUNDARY.search(content_type) if media_type.lower().startswith("multipart/") else None
    return f'{media_type}; boundary="{boundary[1]}"' if boundary else media_type
