"""Imported before models are, by programs whose environment says all that there is to set when they start."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "matinee.settings")
django.setup()
