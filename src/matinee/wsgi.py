"""The WSGI entry point that granian serves."""

from __future__ import annotations

import multiprocessing
import os

from matinee.core.processes import end_with_parent

_granian = multiprocessing.parent_process()
if _granian is not None and _granian.pid is not None:  # this is one of its workers
    end_with_parent(_granian.pid)

from django.core.wsgi import get_wsgi_application  # noqa: E402 - it takes a while, in which granian may be killed

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "matinee.settings")
_django = get_wsgi_application()

from django.conf import settings  # noqa: E402 - they are read by then

from matinee.api.fast_lane import FastLane  # noqa: E402 - its endpoints need Django set up
from matinee.api.gateway import Gateway  # noqa: E402 - it needs Django set up
from matinee.api.turns import Turns  # noqa: E402 - it needs Django set up
from matinee.core.draining import Draining  # noqa: E402 - it needs Django set up
from matinee.operations.reporting import start_reporting  # noqa: E402 - it needs Django set up

start_reporting()

application = Draining(Turns(Gateway(FastLane(_django)), at_once=settings.REQUESTS_AT_ONCE))
