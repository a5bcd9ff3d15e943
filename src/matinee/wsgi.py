"""The WSGI entry point that granian serves."""

from __future__ import annotations

import multiprocessing
import os

from django.core.wsgi import get_wsgi_application

from matinee.core.processes import end_with_parent

_granian = multiprocessing.parent_process()
if _granian is not None and _granian.pid is not None:  # this is one of its workers
    end_with_parent(_granian.pid)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "matinee.settings")
application = get_wsgi_application()
