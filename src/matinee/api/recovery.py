"""My password and my e-mail address: changing them, and getting back in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Field, Router

from matinee.accounts import recovery
from matinee.api.authentication import SignedInRequest, maybe_signed_in
from matinee.api.bodies import Body
from matinee.api.schemas import Problem
from matinee.api.users import Accepted, Email, Password, accepted, example

router = Router()

MAILED_TOKEN = "Tn3EXhvHZuJuOKJYVAeFzQ1A1rnwxoCpvOr1hGdxPWs"  # noqa: S105 - an example
NEW_PASSWORD = "staple battery horse correct"  # noqa: S105 - an example


class PasswordChange(Body):
    model_config = example({"current_password": "correct horse battery staple", "new_password": NEW_PASSWORD})

    current_password: Password
    new_password: Password


class ResetRequest(Body):
    model_config = example({"email": "alice@example.org"})

    email: Email


class Reset(Body):
    model_config = example({"token": MAILED_TOKEN, "password": NEW_PASSWORD})

    token: str = Field(max_length=1_000, description="From the mail.")
    password: Password


class EmailChange(Body):
    model_config = example({"email": "alice@example.com", "password": "correct horse battery staple"})

    email: Email = Field(description="The new address; my present one, to verify that.")
    password: Password


class Verification(Body):
    model_config = example({"token": MAILED_TOKEN})

    token: str = Field(max_length=1_000, description="From the mail.")


WITHOUT_ANSWER = {204: None, 400: Problem, 401: Problem, 415: Problem, 422: Problem}
WITH_MAIL = {202: Accepted, 400: Problem, 401: Problem, 415: Problem, 422: Problem}


@router.post("/password/change/", response={**WITHOUT_ANSWER, 403: Problem}, url_name="password_change")
def change_password(request: SignedInRequest, body: PasswordChange) -> HttpResponse:
    """Set another password. Every other session ends; this one goes on."""
    recovery.change_password(
        user=request.auth,
        session_id=request.session_id,
        current=body.current_password,
        new=body.new_password,
        now=timezone.now(),
    )
    return HttpResponse(status=204)


@router.post("/password/reset/", response=WITH_MAIL, auth=maybe_signed_in, url_name="password_reset")
def ask_for_reset(request: HttpRequest, body: ResetRequest) -> HttpResponse:
    """Have a mail sent with which I can choose a new password; 202 whether somebody has this address or not."""
    recovery.ask_for_reset(email=body.email, now=timezone.now())
    return accepted()


@router.post(
    "/password/reset/confirm/", response=WITHOUT_ANSWER, auth=maybe_signed_in, url_name="password_reset_confirm"
)
def reset_password(request: HttpRequest, body: Reset) -> HttpResponse:
    """Choose a new password by the token of the mail. Every session ends."""
    recovery.reset_password(token=body.token, new=body.password, now=timezone.now())
    return HttpResponse(status=204)


@router.post("/email/change/", response={**WITH_MAIL, 403: Problem}, url_name="email_change")
def ask_for_email_change(request: SignedInRequest, body: EmailChange) -> HttpResponse:
    """Have a mail sent to my new address, which counts once the mail is answered; 202 even where it is taken."""
    recovery.ask_for_email_change(
        user=request.auth,
        session_id=request.session_id,
        email=body.email,
        password=body.password,
        now=timezone.now(),
    )
    return accepted()


@router.post("/email/verify/", response={**WITHOUT_ANSWER, 409: Problem}, auth=maybe_signed_in, url_name="email_verify")
def verify_email(request: HttpRequest, body: Verification) -> HttpResponse:
    """Answer a mail by its token: opens my account, verifies my address or moves me to my new one."""
    recovery.verify_email(token=body.token, now=timezone.now())
    return HttpResponse(status=204)
