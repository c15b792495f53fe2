"""A stand-in for the token side of Supabase Auth: an ES256 key, its JWKS, and the access tokens it signs."""

import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm


class TokenSigner:
    """Signs what a Supabase project would sign; the key lives and dies with the object.

    Args:
        issuer: The ``iss`` of its tokens, as the host is configured to expect it.
        kid: The key's id; a new one unless given.
    """

    def __init__(self, issuer: str, *, kid: str | None = None) -> None:
        self.issuer = issuer
        self.kid = kid or str(uuid4())
        self._key = ec.generate_private_key(ec.SECP256R1())

    def jwks(self) -> dict[str, Any]:
        """Return the public half as ``/auth/v1/.well-known/jwks.json`` shows it."""
        public = json.loads(ECAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [{**public, "kid": self.kid, "alg": "ES256", "use": "sig", "key_ops": ["verify"]}]}

    def claims(self, user_id: UUID, **overrides: Any) -> dict[str, Any]:
        """Return a signed-in user's claims; an override of None leaves that claim out."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": str(user_id),
            "aud": "authenticated",
            "exp": now + 3_600,
            "iat": now,
            "role": "authenticated",
            "email": "",
            "phone": "",
            "session_id": str(uuid4()),
            "aal": "aal1",
            "amr": [{"method": "password", "timestamp": now}],
            "is_anonymous": False,
            "app_metadata": {"provider": "email", "providers": ["email"]},
            "user_metadata": {},
            **overrides,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, user_id: UUID, *, headers: Mapping[str, Any] | None = None, **overrides: Any) -> str:
        """Return an access token, good for an hour.

        Args:
            user_id: Its ``sub``.
            headers: Fields of the token's header to put or to replace.
            **overrides: Claims to put or to replace; None leaves one out.
        """
        header = {"kid": self.kid, **(headers or {})}
        return jwt.encode(self.claims(user_id, **overrides), self._key, algorithm="ES256", headers=header)
