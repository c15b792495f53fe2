"""Every kind of caller, by the token that it sends, and what those get that are nobody's."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pideai_host.testing.tokens import TokenSigner

Answer = int | tuple[int, str]
"""A status, or with the code of its problem."""

ISSUER = "https://project.test/auth/v1"
OWNER, OTHER_OWNER, ADMIN = (UUID(int=number, version=4) for number in (1, 2, 3))
NOWHERE = UUID(int=9, version=4)


def encoded(part: object) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def alg_none(signer: TokenSigner) -> str:
    return f"{encoded({'alg': 'none', 'typ': 'JWT', 'kid': signer.kid})}.{encoded(signer.claims(OWNER))}."


def signed_with_the_public_key(signer: TokenSigner) -> str:
    public = jwt.PyJWK(signer.jwks()["keys"][0]).key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signing_input = f"{encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': signer.kid})}.{encoded(signer.claims(OWNER))}"
    return f"{signing_input}.{encoded(hmac.digest(public, signing_input.encode(), hashlib.sha256))}"


def anon_key(signer: TokenSigner) -> str:
    """The legacy key that every browser has, here even with a signature that is good."""
    life = {"iat": int(time.time()), "exp": int(time.time()) + 10**8}
    claims = {"iss": "supabase", "ref": "project", "role": "anon", **life}
    return signer.token(OWNER, **{**dict.fromkeys(signer.claims(OWNER)), **claims})


CALLERS: Mapping[str, Callable[[TokenSigner], str | None]] = {
    "no token": lambda _: None,
    "garbage": lambda _: "garbage",
    "expired": lambda s: s.token(OWNER, exp=int(time.time()) - 3_600),
    "not yet valid": lambda s: s.token(OWNER, nbf=int(time.time()) + 3_600),
    "wrong iss": lambda s: s.token(OWNER, iss="https://other.test/auth/v1"),
    "wrong aud": lambda s: s.token(OWNER, aud="other"),
    "alg none": alg_none,
    "HS256 signed with the public key": signed_with_the_public_key,
    "unknown kid": lambda _: TokenSigner(ISSUER).token(OWNER),
    "anon key": anon_key,
    "anonymous user": lambda s: s.token(OWNER, is_anonymous=True),
    "third-party client": lambda s: s.token(OWNER, client_id=str(NOWHERE)),
    "other owner": lambda s: s.token(OTHER_OWNER),
    "admin": lambda s: s.token(ADMIN),
    "owner": lambda s: s.token(OWNER),
}
REFUSED: Mapping[str, Answer] = {
    "no token": (401, "unauthenticated"),
    "expired": (401, "token_expired"),
    "anonymous user": (403, "owner_needed"),
    "third-party client": (403, "owner_needed"),
    **dict.fromkeys(
        ["garbage", "not yet valid", "wrong iss", "wrong aud", "alg none", "HS256 signed with the public key",
         "unknown kid", "anon key"],
        (401, "token_invalid"),
    ),
}  # fmt: skip
