"""Who is calling: Supabase access tokens, judged here and nowhere else (supabase.md 1).

A token is judged by the key that its id names, never by what it says of itself: the algorithm is the key's. Only where
the operator asks for it, HS256 goes a way of its own (`web.legacy`). The legacy anon and service_role keys are tokens
too, and users may be anonymous or act through another company's application; none of them is a store's owner.
"""

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from pideai_host.api.errors import PideaiError
from pideai_host.stores.audit import Actor, acting
from pideai_host.telemetry import bound_contextvars
from pideai_host.web.claims import LEEWAY_S, TokenExpired, TokenInvalid, Unauthenticated, decode, header
from pideai_host.web.clients import client_address
from pideai_host.web.jwks import KID_MAX_CHARS, JwksCache
from pideai_host.web.legacy import ALGORITHM, LegacyTokens
from pideai_host.web.requests import request_id
from pideai_host.web.state import host_state

__all__ = [
    "LEEWAY_S",
    "Authentication",
    "OwnerNeeded",
    "TokenExpired",
    "TokenInvalid",
    "Unauthenticated",
    "User",
    "Verifier",
    "bearer_token",
]

AUDIENCE: Final = "authenticated"
ROLE: Final = "authenticated"
TOKEN_MAX_BYTES: Final = 8_192


class OwnerNeeded(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """The token is good, but whoever holds it is not a store's owner acting for themselves."""

    code = "owner_needed"


class User(msgspec.Struct, frozen=True):
    """Whoever signed in, as far as the host needs to know.

    Attributes:
        id: ``auth.users.id``.
        claims: All verified claims as JSON, for ``request.jwt.claims``; personal data, never logged.
    """

    id: UUID
    claims: str

    def __repr__(self) -> str:
        return f"User({self.id})"


class Verifier:
    """Turns a token into the user it was issued to.

    Args:
        keys: The project's signing keys; None where none but `legacy` counts.
        issuer: Exact ``iss``, such as ``https://<ref>.supabase.co/auth/v1``.
        audience: What ``aud`` must be, or hold.
        legacy: Judges HS256 tokens; None refuses them.
    """

    def __init__(
        self, keys: JwksCache | None, *, issuer: str, audience: str = AUDIENCE, legacy: LegacyTokens | None = None
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._legacy = legacy

    async def verify(self, token: str) -> User:
        """Return the token's user.

        Raises:
            TokenInvalid: not a token of this project's users; TokenExpired when only its time is over.
            OwnerNeeded: an anonymous user's, or one given to a third party's application.
            KeysUnavailable: it cannot be judged yet; AuthServerAway likewise.
        """
        if len(token) > TOKEN_MAX_BYTES:
            raise TokenInvalid(f"the token is longer than {TOKEN_MAX_BYTES} bytes")
        if not token.isascii():
            raise TokenInvalid("the token cannot be read")

        claims = await self._claims(token)
        if claims["role"] != ROLE:
            raise TokenInvalid("the token is not a signed-in user's", hint="API keys are not accepted here.")
        user = User(_user_id(claims["sub"]), _as_text(claims))
        if claims.get("is_anonymous", False) is not False:
            raise OwnerNeeded("anonymous users own no store", hint="Sign in with an account.")
        if "client_id" in claims:
            raise OwnerNeeded("tokens of third-party applications are not accepted", hint="Sign in to PideAI itself.")
        return user

    async def _claims(self, token: str) -> dict[str, Any]:
        said = header(token)
        if self._legacy is not None and said.get("alg") == ALGORITHM:
            return await self._legacy.claims(token, issuer=self._issuer, audience=self._audience)
        if self._keys is None:
            raise TokenInvalid("the token is not signed in the way that this project signs")
        key = await self._keys.key(_key_id(said))
        if key is None:
            raise TokenInvalid("the token is signed with a key that this project does not have")
        return decode(token, key, algorithm=key.algorithm_name, issuer=self._issuer, audience=self._audience)


class Authentication(ASGIMiddleware):
    """Lets only signed-in owners pass, and leaves the `User` as ``request.user``.

    On a router it guards all that lies below, whoever added it.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Judge the one bearer token of the request, then go on."""
        token = bearer_token(scope)
        host = host_state(scope)
        user = await host.verifier.verify(token)
        scope["user"] = user
        scope["auth"] = None  # the token itself goes no further
        named = request_id(scope)
        address = client_address(scope, host.trusted_proxies)
        actor = Actor(kind="user", user_id=user.id, request_id=named, address=address)
        with bound_contextvars(request_id=named, user_id=str(user.id)), acting(actor):
            await next_app(scope, receive, send)


def bearer_token(scope: Scope) -> str:
    """Return the request's bearer token.

    Raises:
        Unauthenticated: there is none, or more than one Authorization header.
    """
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    if not values:
        raise Unauthenticated("a bearer token is needed", hint="Send Authorization: Bearer <access token>.")
    scheme, _, token = values[0].partition(b" ")
    if len(values) > 1 or scheme.lower() != b"bearer" or not token.strip():
        raise Unauthenticated("one Authorization header with a bearer token is needed")
    return token.strip().decode("latin-1")


def _key_id(said: dict[str, Any]) -> str:
    kid = said.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= KID_MAX_CHARS:
        raise TokenInvalid("the token names no key")
    return kid


def _user_id(subject: Any) -> UUID:
    try:
        user_id = UUID(subject)
    except (ValueError, AttributeError, TypeError) as error:
        raise TokenInvalid("the token's subject is not a user id") from error
    if str(user_id) != subject:  # Python reads forms that PostgreSQL, which reads it next, does not
        raise TokenInvalid("the token's subject is not a user id")
    return user_id


def _as_text(claims: dict[str, Any]) -> str:
    try:
        text = msgspec.json.encode(claims).decode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise TokenInvalid("the token's claims are not valid JSON text") from error
    if "\\u0000" in text:
        raise TokenInvalid("the token's claims hold a NUL character")  # PostgreSQL's jsonb cannot
    return text
