"""Access tokens: what we make is accepted for as long as it says, and nothing else ever (promise 7)."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from pytest_django.fixtures import Settings

from matinee.accounts import tokens
from matinee.accounts.tokens import AccessClaims, InvalidToken, new_access_token, read_access_token
from tests.accounts.conftest import NOW

SECOND = dt.timedelta(seconds=1)


def make(**changed: Any) -> str:
    return new_access_token(**{"user_id": 7, "session_id": 11, "now": NOW, **changed})


def test_a_token_speaks_for_its_person_and_session() -> None:
    assert read_access_token(make(), now=NOW) == AccessClaims(user_id=7, session_id=11, issued_at=NOW)


def test_a_token_is_made_as_rfc_9068_says() -> None:
    header, claims = _parts(make())

    assert header == {"alg": "HS256", "typ": "at+jwt", "kid": header["kid"]}
    seconds = int(NOW.timestamp())
    times = {"iat": seconds, "nbf": seconds, "exp": seconds + 900}
    assert claims == {
        "iss": "matinee", "aud": "matinee-api", "sub": "7", "sid": 11, "jti": claims["jti"], **times
    }  # fmt: skip
    assert len(claims["jti"]) == 16


def test_no_two_tokens_are_the_same() -> None:
    assert make() != make()


def test_a_token_lives_as_long_as_it_says_to_the_second(settings: Settings) -> None:
    settings.ACCESS_TOKEN_LIFETIME = dt.timedelta(minutes=1)
    token = make()

    assert read_access_token(token, now=NOW + 59 * SECOND).user_id == 7
    for moment in (NOW + 60 * SECOND, NOW + 61 * SECOND, NOW - SECOND):
        with pytest.raises(InvalidToken):
            read_access_token(token, now=moment)


def test_the_moment_that_is_given_counts_and_no_clock_of_this_machine() -> None:
    far = dt.datetime(2190, 1, 1, tzinfo=dt.UTC)

    assert read_access_token(make(now=far), now=far).issued_at == far


def test_a_token_may_be_2000_characters_long() -> None:
    by_length = {len(token): token for token in (_claims(jti="x" * size) for size in range(1_000, 1_400))}

    assert read_access_token(by_length[2_000], now=NOW).user_id == 7
    with pytest.raises(InvalidToken):
        read_access_token(by_length[2_001] if 2_001 in by_length else by_length[2_002], now=NOW)


def test_a_signature_is_checked_once_and_a_forged_one_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    read_header = jwt.get_unverified_header

    def counted(token: str) -> dict[str, Any]:
        checked.append(token)
        return read_header(token)

    monkeypatch.setattr(jwt, "get_unverified_header", counted)
    token = make()
    header, claims, signature = token.split(".")
    forged = f"{header}.{claims}.{signature[::-1]}"

    for _ in range(2):
        assert read_access_token(token, now=NOW).user_id == 7
        with pytest.raises(InvalidToken):
            read_access_token(forged, now=NOW)

    assert checked == [token, forged, forged]


def test_during_a_rotation_the_old_key_still_verifies_and_the_new_one_signs(settings: Settings) -> None:
    settings.SECRET_KEY = "the old secret of this instance, 32"
    old = make()
    settings.SECRET_KEY = "the new secret of this instance, 32"
    settings.SECRET_KEY_FALLBACKS = ["the old secret of this instance, 32"]
    new = make()

    assert read_access_token(old, now=NOW) == read_access_token(new, now=NOW)
    assert _parts(old)[0]["kid"] != _parts(new)[0]["kid"]
    settings.SECRET_KEY_FALLBACKS = []
    assert read_access_token(new, now=NOW).user_id == 7
    with pytest.raises(InvalidToken):
        read_access_token(old, now=NOW)


def test_a_newer_release_takes_the_tokens_of_an_older_one(settings: Settings) -> None:
    settings.SECRET_KEY = "a secret that never changes, of 32 letters"
    made_in_2026 = (
        "eyJhbGciOiJIUzI1NiIsImtpZCI6ImYyODVmYTJhYmQ5ZDYyOTQiLCJ0eXAiOiJhdCtqd3QifQ."
        "eyJpc3MiOiJtYXRpbmVlIiwiYXVkIjoibWF0aW5lZS1hcGkiLCJzdWIiOiI3Iiwic2lkIjoxMSwiaWF0IjoxNzcyMzY2NDAw"
        "LCJuYmYiOjE3NzIzNjY0MDAsImV4cCI6MTc3MjM2NzMwMCwianRpIjoib2YtYS1maXJzdC1yZWxlYSJ9."
        "r8LCLI4qqlRB1HLN40IbY5z9NcsjRGaOW2ellnUeiIE"
    )

    assert read_access_token(made_in_2026, now=NOW) == AccessClaims(user_id=7, session_id=11, issued_at=NOW)


def test_the_signing_key_is_not_the_secret_itself(settings: Settings) -> None:
    header, claims = _parts(make())

    forged = _signed(header, claims, settings.SECRET_KEY.encode())

    with pytest.raises(InvalidToken):
        read_access_token(forged, now=NOW)


def test_a_refusal_never_tells_what_was_wrong() -> None:
    said = set()
    for token in ("", "garbage", make()[:-1], make(now=NOW - dt.timedelta(days=1))):
        with pytest.raises(InvalidToken) as refusal:
            read_access_token(token, now=NOW)
        said.add((refusal.value.detail, refusal.value.code))

    assert said == {("The access token is not valid, or no longer.", "invalid_token")}


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims, _ = token.split(".")
    return json.loads(_decoded(header)), json.loads(_decoded(claims))


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _signed(header: object, claims: object, key: bytes | None = None, digest: str = "sha256") -> str:
    """A token with any header and claims, under our own key where none is given: only the content can be at fault."""
    key = next(iter(tokens._keys().values())) if key is None else key
    content = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
    return f"{content}.{_encoded(hmac.digest(key, content.encode(), digest))}"


def _header(**changed: Any) -> str:
    header, claims = _parts(make())
    return _signed({name: value for name, value in (header | changed).items() if value is not None}, claims)


def _claims(**changed: Any) -> str:
    header, claims = _parts(make())
    return _signed(header, {name: value for name, value in (claims | changed).items() if value is not None})


def _unsigned(alg: str) -> str:
    header, claims = _parts(make())
    return ".".join(_encoded(json.dumps(part).encode()) for part in (header | {"alg": alg}, claims)) + "."


def _under(key: bytes) -> str:
    return _signed(*_parts(make()), key)


def _with_digest(alg: str, digest: str) -> str:
    header, claims = _parts(make())
    return _signed(header | {"alg": alg}, claims, None, digest)


def _key_id_of(key: bytes) -> str:
    header, claims = _parts(make())
    return _signed(header | {"kid": hashlib.sha256(key).hexdigest()[:16]}, claims, key)


START = int(NOW.timestamp())

FORGERIES: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "a word": lambda: "token",
    "dots": lambda: "..",
    "four parts": lambda: make() + ".x",
    "two parts": lambda: make().rpartition(".")[0],
    "space before": lambda: " " + make(),
    "newline after": lambda: make() + "\n",
    "padding": lambda: make() + "=",
    "not ascii": lambda: make() + "é",
    "a surrogate": lambda: make() + "\ud800",
    "NUL": lambda: make() + "\x00",
    "huge": lambda: "x" * 100_000,
    "huge and well-formed": lambda: _claims(jti="x" * 5_000),
    "alg none": lambda: _unsigned("none"),
    "alg None": lambda: _unsigned("None"),
    "alg nOnE": lambda: _unsigned("nOnE"),
    "alg none, signed": lambda: _header(alg="none"),
    "alg missing": lambda: _header(alg=None),
    "alg empty": lambda: _header(alg=""),
    "alg a number": lambda: _header(alg=1),
    "alg lower case": lambda: _header(alg="hs256"),
    "alg RS256": lambda: _header(alg="RS256"),
    "alg ES256": lambda: _header(alg="ES256"),
    "alg HS384": lambda: _with_digest("HS384", "sha384"),
    "alg HS512": lambda: _with_digest("HS512", "sha512"),
    "typ JWT": lambda: _header(typ="JWT"),
    "typ missing": lambda: _header(typ=None),
    "typ in capitals": lambda: _header(typ="AT+JWT"),
    "typ of a refresh token": lambda: _header(typ="rt+jwt"),
    "kid missing": lambda: _header(kid=None),
    "kid unknown": lambda: _header(kid="0" * 16),
    "kid a path": lambda: _header(kid="../../dev/null"),
    "kid SQL": lambda: _header(kid="' OR 1=1 --"),
    "kid a list": lambda: _header(kid=["x"]),
    "kid of their own key": lambda: _key_id_of(b"x" * 32),
    "jku": lambda: _header(jku="https://example.org/keys.json"),
    "jwk": lambda: _header(jwk={"kty": "oct", "k": "eA"}),
    "x5u": lambda: _header(x5u="https://example.org/cert.pem"),
    "crit": lambda: _header(crit=["exp"]),
    "b64": lambda: _header(b64=False),
    "an empty key": lambda: _under(b""),
    "a short key": lambda: _under(b"secret"),
    "a key of zeros": lambda: _under(bytes(32)),
    "header a list": lambda: _signed([], {}),
    "claims a list": lambda: _signed(_parts(make())[0], []),
    "claims text": lambda: _signed(_parts(make())[0], "x"),
    "no claims": lambda: _signed(_parts(make())[0], {}),
    "iss wrong": lambda: _claims(iss="somebody"),
    "iss missing": lambda: _claims(iss=None),
    "iss a list": lambda: _claims(iss=["matinee"]),
    "aud wrong": lambda: _claims(aud="another-api"),
    "aud missing": lambda: _claims(aud=None),
    "aud several": lambda: _claims(aud=["matinee-api", "another-api"]),
    "sub missing": lambda: _claims(sub=None),
    "sub a number": lambda: _claims(sub=7),
    "sub no number": lambda: _claims(sub="alice"),
    "sid missing": lambda: _claims(sid=None),
    "sid text": lambda: _claims(sid="11"),
    "sid true": lambda: _claims(sid=True),
    "jti missing": lambda: _claims(jti=None),
    "jti a number": lambda: _claims(jti=1),
    "exp missing": lambda: _claims(exp=None),
    "exp now": lambda: _claims(exp=START),
    "exp a second ago": lambda: _claims(exp=START - 1),
    "exp text": lambda: _claims(exp=str(START + 900)),
    "exp a fraction": lambda: _claims(exp=START + 900.5),
    "exp true": lambda: _claims(exp=True),
    "exp infinite": lambda: _claims(exp=float("inf")),
    "nbf missing": lambda: _claims(nbf=None),
    "nbf a second ahead": lambda: _claims(nbf=START + 1),
    "nbf text": lambda: _claims(nbf="0"),
    "iat missing": lambda: _claims(iat=None),
    "iat a second ahead": lambda: _claims(iat=START + 1),
    "iat beyond any calendar": lambda: _claims(iat=-(10**30)),
    "iat text": lambda: _claims(iat="0"),
    "one claim more": lambda: _claims(is_staff=True),
    "a JWT of the library's defaults": lambda: jwt.encode({"sub": "7"}, "x" * 32),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_is_refused(name: str) -> None:
    token = FORGERIES[name]()

    with pytest.raises(InvalidToken):
        read_access_token(token, now=NOW)


def test_what_the_forgeries_are_made_with_makes_good_tokens_too() -> None:
    for token in (_header(), _claims(), _claims(exp=START + 1), _claims(nbf=START, iat=START)):
        assert read_access_token(token, now=NOW).user_id == 7


def _altered(token: str) -> Iterator[str]:
    for place, character in enumerate(token):
        for bit in range(8):
            yield token[:place] + chr(ord(character) ^ (1 << bit)) + token[place + 1 :]
        yield token[:place] + token[place + 1 :]


def test_no_bit_of_a_token_can_be_turned_nor_a_character_left_out() -> None:
    token = make()

    accepted = [altered for altered in _altered(token) if _is_accepted(altered)]

    assert accepted == []
    assert _is_accepted(token)


def test_a_signature_is_written_in_one_way_alone() -> None:
    """Its last character has two bits to spare, which a careless reader passes over."""
    token = make()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    accepted = [last for last in alphabet if _is_accepted(token[:-1] + last)]

    assert accepted == [token[-1]]


def _is_accepted(token: str) -> bool:
    try:
        read_access_token(token, now=NOW)
    except InvalidToken:
        return False
    return True
