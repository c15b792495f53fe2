"""What a token says, and the errors of one that is not good; who signed it is judged elsewhere."""

from typing import Any, Final

import jwt

from pideai_host.api.errors import PideaiError

LEEWAY_S: Final = 30.0
REQUIRED_CLAIMS: Final = ("exp", "iat", "sub", "aud", "iss", "role")


class Unauthenticated(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """The request carries no token, or more than one."""

    code = "unauthenticated"
    challenge = 'Bearer realm="pideai"'


class TokenInvalid(Unauthenticated):
    """The token is not one of this project's users."""

    code = "token_invalid"
    challenge = 'Bearer realm="pideai", error="invalid_token"'


class TokenExpired(TokenInvalid):
    """The token was good once; the client refreshes it and asks again."""

    code = "token_expired"


def header(token: str) -> dict[str, Any]:
    """Read what a token says of its signature; to choose by, never to trust.

    Raises:
        TokenInvalid: it cannot be read.
    """
    try:
        return jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise TokenInvalid("the token cannot be read") from error


def decode(token: str, key: jwt.PyJWK | bytes | None, *, algorithm: str, issuer: str, audience: str) -> dict[str, Any]:
    """Return a token's claims: all that are required, exact where they have to be, in their time.

    Args:
        token: To be judged.
        key: What its signature is checked with; None leaves that to the caller.
        algorithm: The only one that is taken.
        issuer: What ``iss`` must be.
        audience: What ``aud`` must be, or hold.

    Raises:
        TokenInvalid: something about it is wrong; TokenExpired when only its time is over.
    """
    try:
        return jwt.decode(
            token,
            b"" if key is None else key,
            algorithms=[algorithm],
            audience=audience,
            issuer=issuer,
            leeway=LEEWAY_S,
            options={
                "require": list(REQUIRED_CLAIMS),
                "verify_signature": key is not None,
                "verify_exp": True,  # these are off by default where the signature is not looked at
                "verify_nbf": True,
                "verify_iat": True,
                "verify_aud": True,
                "verify_iss": True,
            },
        )
    except jwt.ExpiredSignatureError as error:
        raise TokenExpired("the token has expired", hint="Refresh the session and try again.") from error
    except (jwt.PyJWTError, ValueError, OverflowError, RecursionError) as error:
        raise TokenInvalid(_reason(error)) from error


_REASONS: Final[dict[type[Exception], str]] = {
    jwt.InvalidSignatureError: "the token's signature is wrong",
    jwt.InvalidAlgorithmError: "the token's algorithm is not its key's",
    jwt.InvalidAudienceError: "the token is not meant for this project's users",
    jwt.InvalidIssuerError: "the token was issued by someone else",
    jwt.ImmatureSignatureError: "the token is not valid yet",
}


def _reason(error: Exception) -> str:
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"the token has no claim {error.claim!r}"
    return _REASONS.get(type(error), "the token cannot be read")
