"""Migrations of an app that has none of its own: an index that is made while people write."""
