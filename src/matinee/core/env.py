"""Readers of the environment. A wrong value stops the start with a sentence that names the variable."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import ipaddress
import os
import re
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

from matinee.core.networks import is_this_machine

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

DEPOT_SCHEMES = {"file": "fsspec", "s3": "s3fs"}
"""And what each needs to be installed."""
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?P<star>\*\.)?[^/?#\s*]+")
"""A scheme and a host, perhaps a port, and nothing behind it, as browsers send it."""
HOST = re.compile(r"\*|\.?[\w-]+(\.[\w-]+)*\.?|\[[0-9A-Fa-f:.]+\]")
NEAR = 0.85
"""How alike two names are that may be mistaken for each other: 1 is the same (difflib's ratio)."""
makes_what_is_missing = True
"""Before the settings are read a command that only looks makes this False."""
_asked: set[str] = set()
"""The variables that somebody has asked for."""
VALKEY_SCHEMES = {"valkey": "redis", "valkeys": "rediss", "redis": "redis", "rediss": "rediss", "unix": "unix"}


class ConfigurationError(Exception):
    """A setting is missing or makes no sense; the message says which and what to do."""


def misspelt() -> dict[str, str]:
    """The variables of ours that are set and that nobody has asked for, each with the one that its name comes near.
    Others are no mistake: Kubernetes, for one, sets MATINEE_PORT beside a service that is called matinee."""
    strange = sorted(name for name in os.environ if name.startswith("MATINEE_") and name not in _asked)
    near = {name: difflib.get_close_matches(name, sorted(_asked), n=1, cutoff=NEAR) for name in strange}
    return {name: meant[0] for name, meant in near.items() if meant}


def text(name: str, default: str) -> str:
    return _given(name) or default


def secret(name: str) -> str | None:
    """The value of `name`, or the content of the file that `name`_FILE points to; None where neither is set."""
    path, given = _given(f"{name}_FILE"), _given(name)
    if path and given:
        raise ConfigurationError(f"Set {name} or {name}_FILE, not both.")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{name}_FILE can't be read: {error}.") from error
    return given or None


def folder(name: str, default: str) -> Path:
    """A folder of this service's own, which is made where it is missing, unless nothing is; for its user alone."""
    try:
        path = Path(text(name, default)).expanduser().resolve()
    except RuntimeError as error:
        raise ConfigurationError(f"{name}: {error}") from error
    if not makes_what_is_missing:
        return path
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{name}: {path} can't be made, or is no folder: {error.strerror}.") from error
    return path


def database_url(name: str) -> str | None:
    given = secret(name)
    if given is not None and not (re.match(r"(sqlite:|postgres(ql)?:)//[^/]*/.", given) and _is_split(given)):
        raise ConfigurationError(
            f"{name} must be like postgresql://user:password@host/name; what stands in user and password is "
            "percent-encoded."
        )
    return given


def is_here(database_url: str) -> bool:
    """Whether this database is on this machine: a file, or a server behind a socket or the loopback address."""
    parts = urlsplit(database_url)
    host = parse_qs(parts.query).get("host", [unquote(parts.hostname or "")])[-1]
    return not host or host.startswith("/") or is_this_machine(host)


def _is_split(url: str) -> bool:
    """Whether it falls into its parts, a port that is a number among them."""
    try:
        urlsplit(url).port  # noqa: B018 - it raises
    except ValueError:
        return False
    return True


def valkey_url(name: str) -> str | None:
    """The address of a Valkey in the words of Redis's client, which can talk to both; None where none is given."""
    given = secret(name)
    if given is None:
        return None
    scheme, _, rest = given.partition("://")
    if scheme not in VALKEY_SCHEMES or not rest or not _is_split(given):
        raise ConfigurationError(f"{name} must be like valkey://host:6379/0, or valkeys:// for TLS.")
    return f"{VALKEY_SCHEMES[scheme]}://{rest}"


def address(name: str, *, needs: str, extra: str) -> str:
    """Where to send something that the packages of an extra know how to send; "" where none is given."""
    given = secret(name) or ""
    if not given:
        return ""
    if not re.fullmatch(r"https?://[^\s/]+\S*", given):
        raise ConfigurationError(f"{name} must begin with http:// or https://.")
    try:
        importlib.import_module(needs)
    except ImportError:
        raise ConfigurationError(f"{name} needs packages that are missing: pip install 'matinee[{extra}]'.") from None
    return given


def depot_url(name: str) -> str | None:
    """From the environment; None where none is given."""
    given = secret(name)
    if given is None:
        return None
    scheme, _, place = given.partition("://")
    if scheme not in DEPOT_SCHEMES or not place.strip("/") or (scheme == "file" and not place.startswith("/")):
        raise ConfigurationError(f"{name} must be like file:///shared/folder or s3://bucket/prefix.")
    if importlib.util.find_spec(DEPOT_SCHEMES[scheme]) is None:
        raise ConfigurationError(f"{name} needs a package that is not here: pip install 'matinee[s3]'.")
    return given


def contact(name: str) -> str:
    """An address to write to, as a link; "" where none is given."""
    value = text(name, "")
    if value and not value.startswith(("mailto:", "https://", "tel:")):
        raise ConfigurationError(f"{name} must begin with mailto:, https:// or tel:, not {value!r}.")
    if not value.isprintable():
        raise ConfigurationError(f"{name} must be one line of text.")
    return value


def integer(name: str, default: int, *, at_least: int = 0, at_most: int = 1_000_000_000) -> int:
    raw = text(name, str(default))
    try:
        value = int(raw)
    except ValueError:
        raise ConfigurationError(f"{name} must be a whole number, not {raw!r}.") from None
    if value < at_least:
        raise ConfigurationError(f"{name} must be {at_least} or more, not {value}.")
    if value > at_most:
        raise ConfigurationError(f"{name} must be {at_most:,} or less, not {value:,}.")
    return value


def boolean(name: str, *, default: bool) -> bool:
    raw = text(name, "true" if default else "false").lower()
    if raw not in {"true", "false", "1", "0", "yes", "no"}:
        raise ConfigurationError(f"{name} must be true or false, not {raw!r}.")
    return raw in {"true", "1", "yes"}


def choice(name: str, default: str, *, among: frozenset[str]) -> str:
    value = text(name, default)
    if value not in among:
        raise ConfigurationError(f"{name} must be one of {', '.join(sorted(among))}, not {value!r}.")
    return value


def words(name: str) -> list[str]:
    """A comma-separated list, blanks dropped."""
    return [word.strip() for word in _given(name).split(",") if word.strip()]


def hosts(name: str) -> list[str]:
    """Names as requests give them, without port, comma separated; one that begins with a dot stands for all below."""
    found = words(name)
    for word in found:
        if not HOST.fullmatch(word):
            raise ConfigurationError(f"{name} must name hosts alone, such as films.example.org, not {word!r}.")
    return found


def origins(name: str, *, with_star: bool = False) -> list[str]:
    """Comma separated; `with_star`: one that begins with *. stands for all hosts below it."""
    found = words(name)
    for word in found:
        origin = ORIGIN.fullmatch(word)
        if origin is None or (origin["star"] and not with_star):
            raise ConfigurationError(f"{name} must name origins, such as https://films.example.org, not {word!r}.")
    return found


def networks(name: str) -> tuple[Network, ...]:
    """Addresses and networks, comma separated; one that holds every address there is would name nobody."""
    found = []
    for word in words(name):
        try:
            network = ipaddress.ip_network(word)
        except ValueError as error:
            raise ConfigurationError(f"{name}: {error}. Give addresses or networks, such as 10.0.0.0/8.") from None
        if network.prefixlen == 0:
            raise ConfigurationError(f"{name} must name networks; {word} is every address there is.")
        found.append(network)
    return tuple(found)


def _given(name: str) -> str:
    """An empty value is none: compose files and units pass empty variables on."""
    _asked.add(name)
    return os.environ.get(name, "").strip()
