"""How a call to TMDb ends otherwise than with what was asked for. Messages hold no query and no token."""

from __future__ import annotations


class TmdbFailure(Exception):
    """The message is a sentence for whoever runs this instance."""


class ForbiddenAddress(TmdbFailure):
    """The address is none of TMDb's, or its name leads to a machine that can't be TMDb's; nothing was sent."""


class Unanswered(TmdbFailure):
    """TMDb was asked and did not answer in a way that can be read; asking again may help."""


class Away(TmdbFailure):
    """TMDb was not asked: it has failed too often, has told us to wait, or there is no time left."""

    def __init__(self, detail: str, *, seconds: float) -> None:
        """`seconds`: until asking makes sense again."""
        super().__init__(detail)
        self.seconds = seconds


class Gone(TmdbFailure):
    """TMDb has nothing under this id (404)."""


class Unfit(TmdbFailure):
    """TMDb's answer is not what it may be; asking again at once would bring the same."""


class TokenRefused(TmdbFailure):
    """TMDb does not take our token (401 or 403)."""
