"""What `matinee doctor` looks at: all that can be told of an installation from the machine that it runs on."""

from __future__ import annotations

import datetime as dt
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core import checks as django_checks
from django.db import connection
from django.db.models import Max

from matinee.accounts import keys
from matinee.accounts.models import Session
from matinee.core import instants, replica
from matinee.core.artifacts import ArtifactStore, DamagedArtifact, stored_kinds
from matinee.core.counters import CountersAway, ValkeyCounters
from matinee.core.jobs import queue
from matinee.core.jobs.models import Job
from matinee.core.sqlite import version
from matinee.operations.checks import Check, quick_checks
from matinee.recommendations.community import KIND_PREFIX
from matinee.tmdb import connection as tmdb
from matinee.tmdb.status import read_status

LITTLE_SPACE, TOO_LITTLE_SPACE = 1_000_000_000, 100_000_000
CLOCKS_AGREE_WITHIN = dt.timedelta(seconds=5)
"""A lease of a job is a minute long, and those who hold one may sit on several machines."""
SAFETY = {
    "sqlite": "SELECT 'synchronous', CAST(synchronous AS text) FROM pragma_synchronous",
    "postgresql": "SELECT name, setting FROM pg_settings "
    "WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') ORDER BY name",
}
"""Of a connection as we have it; SQLite's 2 is FULL, 1 NORMAL."""
FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def examine(*, now: dt.datetime) -> Iterator[Check]:
    """All checks, each as it is done. Every byte of the artifacts is read."""
    yield configuration()
    if not settings.DATA_DIR.is_dir():
        yield missing()
        return
    yield privacy()
    yield mail()
    if settings.EMBEDDED_DATABASE:
        yield sqlite_version()
    if settings.VALKEY_URL:
        yield valkey(settings.VALKEY_URL)
    quick = quick_checks(now=now)
    yield from quick
    if all(check.ok for check in quick if check.needed):
        yield durability()
        yield encryption()
        yield parked_jobs()
        if settings.REPLICA_URL:
            yield followed()
        if tmdb.is_configured():
            yield mirror(now=now)
        yield clock(now=now)
    yield from artifacts(now=now)
    yield disk()


def configuration() -> Check:
    """That Django's own checks pass; settings that make no sense have ended the command before."""
    in_production = settings.MODE == "production"
    found = [
        message
        for message in django_checks.run_checks(include_deployment_checks=in_production)
        if message.level >= django_checks.WARNING and not message.is_silenced()
    ]
    broken = any(message.is_serious() for message in found)
    database = connection.display_name
    return Check(
        "configuration",
        ok=not found,
        needed=broken,
        detail=" ".join(str(message.msg) for message in found) or f"{settings.MODE}, {database}, {settings.DATA_DIR}",
        advice=" ".join(str(message.hint) for message in found if message.hint) or "See docs/configuration.md.",
    )


def missing() -> Check:
    """That nothing is there to be looked at."""
    return Check(
        "data",
        ok=False,
        needed=True,
        detail=f"There is no folder {settings.DATA_DIR}.",
        advice="Does MATINEE_DATA_DIR name what is meant? Where there is no instance yet, `matinee serve` makes it.",
    )


def privacy() -> Check:
    """That nobody else on this machine can read the secret or the database."""
    folder, secrets = settings.DATA_DIR, [settings.DATA_DIR / "secret-key", settings.ENCRYPTION_KEYS_FILE]
    open_secrets = [secret for secret in secrets if secret.exists() and _is_open(secret)]
    open_files = [*open_secrets]
    if _is_open(folder):
        open_files += [path for path in sorted(folder.glob("*.sqlite3")) if _is_open(path)]
    names = ", ".join(path.name for path in open_files)
    return Check(
        "privacy",
        ok=not open_files,
        needed=bool(open_secrets),
        detail=f"Others on this machine may read {names}."
        if open_files
        else "Secrets and database are for this user alone.",
        advice=f"chmod 700 {folder}; chmod 600 {' '.join(str(secret) for secret in secrets)}",
    )


def mail() -> Check:
    """That mail leaves, where people depend on it."""
    detail = "It leaves by MATINEE_SMTP_URL." if settings.MAIL_IS_DELIVERED else "It is written to the console."
    goes_nowhere = settings.MODE == "production" and not settings.MAIL_IS_DELIVERED
    return Check(
        "mail",
        ok=not goes_nowhere,
        needed=False,
        detail="It goes nowhere: nobody can reset their password." if goes_nowhere else detail,
        advice="Set MATINEE_SMTP_URL and MATINEE_MAIL_FROM.",
    )


def sqlite_version() -> Check:
    warning = version.warning()
    return Check(
        "sqlite",
        ok=warning is None,
        needed=True,
        detail=warning or f"SQLite {version.running_version()}",
        advice="Then start everything again.",
    )


def valkey(url: str) -> Check:
    """That all machines count requests together."""
    away = None
    try:
        ValkeyCounters(url).refuse_if_away()
    except CountersAway as error:
        away = str(error)
    return Check(
        "valkey",
        ok=away is None,
        needed=False,
        detail=away or "It answers: requests are counted there.",
        advice="See that MATINEE_VALKEY_URL is right. Until it answers, each process counts requests for itself.",
    )


def durability() -> Check:
    """That a write is on disk before it is answered, as the database is set up for us."""
    with connection.cursor() as cursor:
        cursor.execute(SAFETY[connection.vendor])
        found = dict(cursor.fetchall())
    careless = [f"{name}={value}" for name, value in found.items() if value in {"off", "0", "1"}]
    settings_ = ", ".join(f"{name}={value}" for name, value in found.items())
    return Check(
        "durability",
        ok=not careless,
        needed=False,
        detail=f"{connection.display_name} may lose writes that it has answered, by {', '.join(careless)}."
        if careless
        else f"{connection.display_name} has a write on disk before it is answered: {settings_}.",
        advice="Turn it on in the database's settings, or live with the last second lost when the power fails.",
    )


def encryption() -> Check:
    """That what people wrote about themselves can be read."""
    lost = keys.lost()
    return Check(
        "encryption",
        ok=not lost,
        needed=True,
        detail=f"The master key {', '.join(lost)} is not here, under which data of people are encrypted."
        if lost
        else "Every master key in use is here.",
        advice="Add it to MATINEE_ENCRYPTION_KEYS or, without that setting, to encryption-keys in the data directory.",
    )


def parked_jobs() -> Check:
    parked = queue.parked().count()
    return Check(
        "jobs",
        ok=not parked,
        needed=False,
        detail=f"{parked} failed every time and are parked." if parked else "None is parked.",
        advice="The admin shows each under Jobs, with its traceback, and can try it again.",
    )


def followed() -> Check:
    """That the replica is there and not far behind."""
    reason = replica.why_not_read()
    return Check(
        "replica",
        ok=reason is None,
        needed=False,
        detail="It follows the database." if reason is None else f"It is not read: {reason}",
        advice="Trainings read the database itself meanwhile; look at the replica's own log.",
    )


def mirror(*, now: dt.datetime) -> Check:
    """That TMDb's changes of the last days are in."""
    status = read_status(now=now)
    is_resting = status.resting_until is not None
    resting = " TMDb fails and is given a rest." if is_resting else ""
    return Check(
        "tmdb",
        ok=not status.is_late and not is_resting,
        needed=False,
        detail=f"Changes are in up to {status.changes_up_to or 'no day'}, films to be asked for: {status.left:,}, "
        f"set aside: {status.quarantined:,}.{resting}",
        advice="`matinee tmdb sync` says what keeps it; without it the catalogue stays as it is.",
    )


def clock(*, now: dt.datetime) -> Check:
    """That the clock agrees with the database's and with what was written before; leases and tokens go by it."""
    ahead = max((written_at - now for written_at in _written()), default=dt.timedelta(0))
    apart = max(ahead, abs(_database_time() - now) if connection.vendor == "postgresql" else ahead)
    return Check(
        "clock",
        ok=apart <= CLOCKS_AGREE_WITHIN,
        needed=True,
        detail=f"{now:%Y-%m-%d %H:%M:%S} UTC"
        if apart <= CLOCKS_AGREE_WITHIN
        else f"It is {apart.total_seconds():.0f} s apart from the database's, or from what was written before.",
        advice="Set the clocks of all machines by NTP.",
    )


def artifacts(*, now: dt.datetime) -> Iterator[Check]:
    """That each version in service is what was published, byte for byte."""
    for kind in stored_kinds(settings.ARTIFACTS_DIR):
        store = ArtifactStore(settings.ARTIFACTS_DIR, kind)
        version = store.current_version() or ""
        try:
            store.open(version)
        except DamagedArtifact as damage:
            advice = f"Remove {store.directory / version}. {_made_again_by(kind)}"
            yield Check(f"artifact {kind}", ok=False, needed=False, detail=str(damage), advice=advice)
        else:
            age = dt.timedelta(seconds=int(max(now.timestamp() - store.published_at(), 0)))
            yield Check(f"artifact {kind}", ok=True, needed=False, detail=f"{version}, {age} old, intact")


def disk() -> Check:
    usage = shutil.disk_usage(settings.DATA_DIR)
    return Check(
        "disk",
        ok=usage.free >= LITTLE_SPACE,
        needed=usage.free < TOO_LITTLE_SPACE,
        detail=f"{usage.free / 1e9:,.1f} GB of {usage.total / 1e9:,.1f} GB are free.",
        advice=f"Make room where {settings.DATA_DIR} is: writes fail when it is full.",
    )


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & FOR_OTHERS)


def _written() -> Iterator[dt.datetime]:
    for rows, field in ((Session.objects.all(), "last_used_at"), (Job.objects.all(), "enqueued_at")):
        newest = rows.aggregate(newest=Max(field))["newest"]
        if newest is not None:
            yield newest


def _database_time() -> dt.datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return instants.read(cursor.fetchone()[0])


def _made_again_by(kind: str) -> str:
    if kind.startswith(KIND_PREFIX):
        return f"`matinee load movielens {kind.removeprefix(KIND_PREFIX)}` loads it again."
    if kind.startswith("model"):
        return "`matinee train` makes a new one."
    return "The next start of `matinee serve` or `matinee worker` publishes it again."
