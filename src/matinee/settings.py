"""Django's settings, read from the environment. Every variable is told in docs/configuration.md."""

from __future__ import annotations

import datetime as dt
import os
import re
import secrets
from typing import Any

from matinee.core import env, mail
from matinee.core.sqlite.version import prefer_sound_version

prefer_sound_version()

import dj_database_url  # noqa: E402 - Django must not import sqlite3 before the line above

DATA_DIR = env.folder("MATINEE_DATA_DIR", "./matinee-data")
ARTIFACTS_DIR = DATA_DIR / "artifacts"
DEPOT_URL = env.depot_url("MATINEE_DEPOT_URL")

DATABASE_URL = env.database_url("MATINEE_DATABASE_URL") or f"sqlite:///{DATA_DIR / 'matinee.sqlite3'}"
EMBEDDED_DATABASE = DATABASE_URL.startswith("sqlite")
REPLICA_URL = env.database_url("MATINEE_REPLICA_URL")
if REPLICA_URL and (EMBEDDED_DATABASE or not REPLICA_URL.startswith("postgres")):
    raise env.ConfigurationError("MATINEE_REPLICA_URL names a replica of the PostgreSQL of MATINEE_DATABASE_URL.")
MODE = env.choice(
    "MATINEE_MODE",
    "embedded" if EMBEDDED_DATABASE else "production",
    among=frozenset({"embedded", "production"}),
)
DEBUG = False


def _own_secret(name: str) -> str:
    """What an embedded instance makes for itself on its first start, in a file that its user alone can read."""
    path = DATA_DIR / name
    if not env.makes_what_is_missing and not path.exists():
        return secrets.token_urlsafe(48)  # for this process alone
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text(encoding="ascii").strip()


def _strong(name: str, given: str) -> str:
    if len(given) < 32 or len(set(given)) < 10 or given.startswith("django-insecure-"):
        raise env.ConfigurationError(f"{name} is too weak: give 32 random characters or more.")
    return given


def _secret_key() -> str:
    given = env.secret("MATINEE_SECRET_KEY")
    if given is not None:
        return _strong("MATINEE_SECRET_KEY", given)
    if MODE == "production":
        raise env.ConfigurationError("MATINEE_SECRET_KEY is needed in production: 32 random characters or more.")
    return _own_secret("secret-key")


def _encryption_keys() -> list[str]:
    """Empty: those in the instance's own file."""
    given = env.secret("MATINEE_ENCRYPTION_KEYS")
    if given is not None:
        keys = [_strong("MATINEE_ENCRYPTION_KEYS", key) for key in given.replace(",", " ").split()]
        if SECRET_KEY in keys:
            raise env.ConfigurationError("MATINEE_ENCRYPTION_KEYS must not hold MATINEE_SECRET_KEY: each has its own.")
        return keys
    if MODE == "production":
        raise env.ConfigurationError("MATINEE_ENCRYPTION_KEYS is needed in production: 32 random characters or more.")
    _own_secret(ENCRYPTION_KEYS_FILE.name)
    return []


SECRET_KEY = _secret_key()
ENCRYPTION_KEYS_FILE = DATA_DIR / "encryption-keys"
ENCRYPTION_KEYS = _encryption_keys()
SECRET_KEY_FALLBACKS = [  # whoever guesses an old key signs tokens as well
    _strong("MATINEE_SECRET_KEY_FALLBACKS", key.strip())
    for key in (env.secret("MATINEE_SECRET_KEY_FALLBACKS") or "").split(",")
    if key.strip()
]
ALLOWED_HOSTS = env.hosts("MATINEE_ALLOWED_HOSTS") or (
    ["localhost", "127.0.0.1", "[::1]"] if MODE == "embedded" else []
)
if MODE == "production" and (not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS):
    raise env.ConfigurationError("MATINEE_ALLOWED_HOSTS must name this service's hosts in production, without *.")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "matinee.accounts.admin_app.AuditedAdminConfig",
    "corsheaders",
    "ninja",
    "django_tasks",
    "django_tasks_db",
    "matinee.core.jobs",
    "matinee.audit",
    "matinee.catalog",
    "matinee.tmdb",
    "matinee.accounts",
    "matinee.library",
    "matinee.search",
    "matinee.recommendations",
    "matinee.transfer",
    "matinee.api",
    "matinee.operations",
]

MIDDLEWARE = [
    "matinee.api.measuring.Measured",
    "matinee.api.middleware.RequestId",
    "matinee.api.safe_headers.SafeHeaders",
    "matinee.api.middleware.KnownLength",
    "matinee.api.middleware.KnownHosts",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "matinee.api.middleware.ConditionalAnswers",
    "matinee.api.limits.RateLimits",
    "matinee.api.middleware.Problems",
    "matinee.api.middleware.OneSlash",
    "matinee.api.middleware.KnownParametersOnly",
    "matinee.api.admin_middleware.Sessions",
    "matinee.api.admin_middleware.Csrf",
    "matinee.api.admin_middleware.Authentication",
    "matinee.api.admin_middleware.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "matinee.urls"
WSGI_APPLICATION = "matinee.wsgi.application"
APPEND_SLASH = False  # the api's middleware answers 308, which keeps method and body
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


REQUESTS_AT_ONCE = env.integer("MATINEE_REQUESTS_AT_ONCE", 1 if env.is_here(DATABASE_URL) else 2, at_least=1)
"""A worker that waits for a network can do other things meanwhile. Where the database is on this machine a second
request only waits beside the first, for a core or for SQLite's one writer."""
PREPARED_FROM = 2 if env.boolean("MATINEE_PREPARED_STATEMENTS", default=True) else None
"""How often PostgreSQL is asked a statement before it keeps the plan."""


WHILE_NOBODY_ANSWERS = {
    "connect_timeout": 5,
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 40_000,
}
"""In seconds, and the last in milliseconds: where a server is gone without a word, as behind a cable that was pulled, a
connection ends after 40 s. The defaults of the system are hours for one that waits for its answer. An address may give
others."""


def _database(url: str) -> dict[str, Any]:
    parsed: dict[str, Any] = dict(dj_database_url.parse(url))
    options = parsed.setdefault("OPTIONS", {})
    if EMBEDDED_DATABASE:
        parsed["ENGINE"] = "matinee.core.sqlite"
        parsed["CONN_MAX_AGE"] = None
        options["transaction_mode"] = "IMMEDIATE"
        options["timeout"] = 20
        options["init_command"] = (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA mmap_size=0;"
        )
    else:
        parsed["ENGINE"] = "matinee.core.postgresql"
        parsed["CONN_MAX_AGE"] = 300
        parsed["CONN_HEALTH_CHECKS"] = True
        for name, value in WHILE_NOBODY_ANSWERS.items():
            options.setdefault(name, value)
        options["server_side_binding"] = True  # a statement with its values written into it has no plan to keep
        options["prepare_threshold"] = PREPARED_FROM
    return parsed


DATABASES = {"default": _database(DATABASE_URL)}
if REPLICA_URL:
    DATABASES["replica"] = _database(REPLICA_URL)
    DATABASE_ROUTERS = ["matinee.core.replica.Router"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

QUEUES = ["default", "indexing", "training", "mirror"]
"""Each has a process. Packages name parts of them, which is why all names are let through below."""
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}


def _tmdb_token() -> str | None:
    given = env.secret("MATINEE_TMDB_TOKEN")
    if given is not None and not re.fullmatch(r"[A-Za-z0-9._-]{16,2000}", given):
        raise env.ConfigurationError("MATINEE_TMDB_TOKEN is neither a read access token nor an API key of TMDb's.")
    return given


TMDB_TOKEN = _tmdb_token()
TMDB_LANGUAGE = env.text("MATINEE_TMDB_LANGUAGE", "en-US")
if not re.fullmatch(r"[a-z]{2}(-[A-Z]{2})?", TMDB_LANGUAGE):
    raise env.ConfigurationError(f"MATINEE_TMDB_LANGUAGE must look like en-US or en, not {TMDB_LANGUAGE!r}.")
TMDB_FILMS = env.integer("MATINEE_TMDB_FILMS", 25_000)
TMDB_INCLUDE = frozenset(env.words("MATINEE_TMDB_INCLUDE"))
if TMDB_INCLUDE - {"adult", "video"}:
    raise env.ConfigurationError("MATINEE_TMDB_INCLUDE takes adult, video or both, separated by a comma.")
TMDB_SEARCH = env.boolean("MATINEE_TMDB_SEARCH", default=True)
TMDB_STAND_IN = env.text("MATINEE_TMDB_STAND_IN", "")
if TMDB_STAND_IN and MODE == "production":
    raise env.ConfigurationError("MATINEE_TMDB_STAND_IN is for development; it is refused in production.")

SPARK_MASTER = env.text("MATINEE_SPARK_MASTER", "")
SPARK_PARQUET = env.words("MATINEE_SPARK_PARQUET")

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["matinee.accounts.backends.EmailOrUsername"]
PASSWORD_HASHERS = ["matinee.accounts.hashers.Argon2OneByOne"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "matinee.accounts.passwords.UnexpectedPassword"},
    {"NAME": "matinee.accounts.passwords.AcceptablePassword"},
]
REGISTRATION = env.choice("MATINEE_REGISTRATION", "open", among=frozenset({"open", "confirm", "closed"}))
CENTURY = 36_500
"""In days: with many more the end of a session is no date."""
ACCESS_TOKEN_LIFETIME = dt.timedelta(seconds=env.integer("MATINEE_ACCESS_TOKEN_SECONDS", 900, at_least=60))
REFRESH_TOKEN_LIFETIME = dt.timedelta(days=env.integer("MATINEE_REFRESH_TOKEN_DAYS", 30, at_least=1, at_most=CENTURY))
AUDIT_RETENTION_DAYS = env.integer("MATINEE_AUDIT_RETENTION_DAYS", 365, at_most=CENTURY)
AUDIT_RETENTION = dt.timedelta(days=AUDIT_RETENTION_DAYS) if AUDIT_RETENTION_DAYS else None
SESSION_LIFETIME = dt.timedelta(days=env.integer("MATINEE_SESSION_DAYS", 365, at_least=1, at_most=CENTURY))

TRUSTED_PROXIES = env.networks("MATINEE_TRUSTED_PROXIES")
PROXY_HEADER = {"X-Forwarded-For": "HTTP_X_FORWARDED_FOR", "Forwarded": "HTTP_FORWARDED"}[
    env.choice("MATINEE_PROXY_HEADER", "X-Forwarded-For", among=frozenset({"X-Forwarded-For", "Forwarded"}))
]
VALKEY_URL = env.valkey_url("MATINEE_VALKEY_URL")
LIMITS_FILE = DATA_DIR / "limits.sqlite3"
_times = env.integer("MATINEE_LIMITS_TIMES", 1, at_least=1)
REQUESTS_A_MINUTE = {
    "register": _times * env.integer("MATINEE_LIMIT_REGISTER", 60),
    "sign_in": _times * env.integer("MATINEE_LIMIT_SIGN_IN", 30),
    "admin": _times * env.integer("MATINEE_LIMIT_ADMIN", 10),
    "write": _times * env.integer("MATINEE_LIMIT_WRITES", 300),
    "read": _times * env.integer("MATINEE_LIMIT_READS", 1_200),
    "export": _times * env.integer("MATINEE_LIMIT_EXPORTS", 10),
}
SMTP = mail.smtp("MATINEE_SMTP_URL")
MAIL_IS_DELIVERED = SMTP is not None
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
if MODE == "production":  # what is written to its console is kept somewhere, and a mail holds a token
    EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
if SMTP is not None:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = SMTP.host, SMTP.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = SMTP.user, SMTP.password
    EMAIL_USE_SSL, EMAIL_USE_TLS = SMTP.encryption == "tls", SMTP.encryption == "starttls"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = mail.sender("MATINEE_MAIL_FROM", "Matinee <matinee@localhost>")
MAIL_LINK = mail.link("MATINEE_MAIL_LINK")
if REGISTRATION == "confirm" and MODE == "production" and not MAIL_IS_DELIVERED:
    raise env.ConfigurationError("MATINEE_REGISTRATION=confirm needs MATINEE_SMTP_URL: nobody would get the mail.")

MATURITY_CEILING = env.text("MATINEE_MATURITY_CEILING", "") or None

CORS_ALLOWED_ORIGINS = env.origins("MATINEE_CORS_ORIGINS")
CORS_ALLOW_HEADERS = [
    *("accept", "authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "x-request-id")
]
CORS_EXPOSE_HEADERS = [
    *("ETag", "Idempotency-Replayed", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate"),
    "X-Request-ID",
]
CSRF_TRUSTED_ORIGINS = env.origins("MATINEE_CSRF_TRUSTED_ORIGINS", with_star=True)

SECURITY_CONTACT = env.contact("MATINEE_SECURITY_CONTACT")
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_SSL_REDIRECT = env.boolean("MATINEE_HTTPS_REDIRECT", default=True) and MODE == "production"
if MODE == "production":
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
    SECURE_HSTS_SECONDS = 31_536_000
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
SILENCED_SYSTEM_CHECKS = [
    *("security.W005", "security.W021"),  # subdomains and preload lists are their owner's to decide
    "security.W003",  # that CSRF is looked for; a class of ours does, on the pages that know people by a cookie
    "security.W009",  # that a key is long; ours are looked at above, and 32 characters are what the documents ask for
]
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$", r"^metrics$"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

METRICS_TOKEN = env.secret("MATINEE_METRICS_TOKEN")
if METRICS_TOKEN is not None and len(METRICS_TOKEN) < 16:
    raise env.ConfigurationError("MATINEE_METRICS_TOKEN is too short: give 16 random characters or more.")

OTLP_ENDPOINT = env.address("MATINEE_OTLP_ENDPOINT", needs="opentelemetry.sdk", extra="otel")
SENTRY_DSN = env.address("MATINEE_SENTRY_DSN", needs="sentry_sdk", extra="sentry")
if SENTRY_DSN and not re.fullmatch(r"https?://\w+(:\w+)?@[^\s/]+/(\S+/)?\d+", SENTRY_DSN):
    raise env.ConfigurationError("MATINEE_SENTRY_DSN must be like https://key@sentry.example.org/1.")
DRAIN_SECONDS = env.integer("MATINEE_DRAIN_SECONDS", 5 if MODE == "production" else 0)

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # straight from the installed packages: there is nothing to collect
WHITENOISE_MAX_AGE = 3_600

LOG_FORMAT = env.choice("MATINEE_LOG_FORMAT", "text", among=frozenset({"text", "json"}))
LOG_LEVEL = env.choice("MATINEE_LOG_LEVEL", "INFO", among=frozenset({"DEBUG", "INFO", "WARNING", "ERROR"}))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"text": {"()": "matinee.core.logs.Lines"}, "json": {"()": "matinee.core.logs.JsonLines"}},
    "filters": {"request_id": {"()": "matinee.core.request_id.WithRequestId"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["request_id"]}},
    "loggers": {  # a client's mistake is the client's to see
        "django.request": {"level": "ERROR"},
        "django.security": {"level": "CRITICAL"},
        "stamina": {"level": "ERROR"},  # each try again; how a call ended is logged where it is known
        # Its debug lines hold whole addresses, and one form of TMDb's keys is part of them.
        "urllib3": {"level": "INFO"},
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
}
