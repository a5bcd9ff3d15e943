"""How mail leaves, read from the environment."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parseaddr
from typing import Literal, TypeAlias
from urllib.parse import unquote, urlsplit

from matinee.core import env
from matinee.core.networks import is_this_machine

Encryption: TypeAlias = Literal["none", "starttls", "tls"]

SCHEMES: dict[str, tuple[Encryption, int]] = {
    "smtp": ("none", 25),
    "smtp+starttls": ("starttls", 587),
    "smtps": ("tls", 465),
}


@dataclass(frozen=True)
class Smtp:
    host: str
    port: int
    user: str
    password: str
    encryption: Encryption


def smtp(name: str) -> Smtp | None:
    """The mail server that a URL names, None where there is none. Raises ConfigurationError."""
    url = env.secret(name)
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        encryption, usual_port = SCHEMES[parts.scheme]
        port = parts.port or usual_port
    except (ValueError, KeyError):
        parts = None
    if parts is None or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise env.ConfigurationError(
            f"{name} must look like smtp+starttls://user:password@mail.example.org:587, with smtps:// for TLS from the "
            "start, or smtp:// for no encryption; what stands in user and password is percent-encoded."
        )
    if parts.password and encryption == "none" and not is_this_machine(parts.hostname):
        raise env.ConfigurationError(f"{name} would send the password unencrypted: use smtp+starttls:// or smtps://.")
    return Smtp(parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or ""), encryption)


def sender(name: str, default: str) -> str:
    """Raises ConfigurationError."""
    given = env.text(name, default)
    _, address = parseaddr(given)
    if "@" not in address.strip("@") or not given.isprintable():
        raise env.ConfigurationError(f"{name} must be an address, such as Matinee <films@example.org>, not {given!r}.")
    return given


def link(name: str) -> str:
    """A template of the links in mails, empty where there is none. Raises ConfigurationError."""
    template = env.text(name, "")
    if template and not (
        template.startswith(("https://", "http://")) and all(part in template for part in ("{action}", "{token}"))
    ):
        raise env.ConfigurationError(f"{name} must be a URL with {{action}} and {{token}} in it, not {template!r}.")
    return template
