"""What counting on Spark needs, looked for before anything that imports it."""

from __future__ import annotations

import importlib.util
import os
import shutil


class SparkCannotCount(Exception):
    """Spark is not there, or the ratings are not what training reads; the message says which and what to do."""


def look_for_spark() -> None:
    """Raises SparkCannotCount where the extra or Java is missing."""
    if importlib.util.find_spec("pyspark") is None or importlib.util.find_spec("pyarrow") is None:
        raise SparkCannotCount("Spark is not installed. Install it with: pip install 'matinee[spark]'")
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        raise SparkCannotCount("Spark needs Java 17 or later. Install it, or set JAVA_HOME to where it is.")
