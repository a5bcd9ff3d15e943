"""The entry point: the application, and the turns in which granian's requests come to it."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "matinee.settings")
_django = get_wsgi_application()

from django.conf import settings  # noqa: E402 - they are read by then

from matinee.api.fast_lane import FastLane  # noqa: E402 - its endpoints need Django set up
from matinee.api.gateway import Gateway  # noqa: E402 - it needs Django set up
from matinee.api.turns import Turns  # noqa: E402 - it needs Django set up

application = Gateway(FastLane(_django))
turns = Turns(application, at_once=settings.REQUESTS_AT_ONCE)
