"""Matinee: a self-hosted movie recommendation API."""

__version__ = "0.1.0"
