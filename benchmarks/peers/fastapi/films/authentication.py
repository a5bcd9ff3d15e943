import datetime as dt
import os
from typing import Annotated

import jwt
from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pwdlib import PasswordHash

from films.database import Session
from films.models import User, utc_now

SECRET = os.environ["PEER_SECRET_KEY"]
LIFETIME = dt.timedelta(days=1)
passwords = PasswordHash.recommended()
bearer = HTTPBearer(auto_error=False)


def new_token(user):
    return jwt.encode({"sub": str(user.id), "exp": utc_now() + LIFETIME}, SECRET, algorithm="HS256")


async def maybe_user(
    session: Session, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> User | None:
    if credentials is None:
        return None
    try:
        claims = jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"])
    except jwt.InvalidTokenError:
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from None
    user = await session.get(User, int(claims["sub"]))
    if user is None or not user.is_active:
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
    return user


MaybeUser = Annotated[User | None, Depends(maybe_user)]


async def signed_in(user: MaybeUser) -> User:
    if user is None:
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
    return user


Me = Annotated[User, Depends(signed_in)]
