"""Customer tokens: short-lived, signed, good for one customer. Nothing is stored of them.

A token never opens more than the key that minted it, and ends with that key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
from pydantic import SecretStr

from access.callers import Caller, OwnCustomer, Whereabouts
from access.errors import NotAdmitted
from access.keys import is_good
from access.scopes import OF_CUSTOMERS, granted
from billing.errors import InvalidInput
from models import ActorKind, ApiKey

ALGORITHM = "HS256"
ISSUER = "billing-service"
AUDIENCE = "customer"
CLAIMS = ("iss", "aud", "sub", "ent", "key", "scp", "jti", "iat", "exp")
SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(hours=1)
MAX_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class CustomerToken:
    id: str
    text: SecretStr
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """The first secret signs; all of them verify, so that one can be rolled while tokens are about."""

    secrets: Sequence[SecretStr]

    def mint(self, minter: Caller, customer: OwnCustomer, *, lifetime: timedelta, at: datetime) -> CustomerToken:
        """Raises `InvalidInput`. The token carries what its minter may do, as far as that is for customers."""
        if not SHORTEST <= lifetime <= LONGEST:
            seconds = f"{SHORTEST.total_seconds():.0f} to {LONGEST.total_seconds():.0f}"
            raise InvalidInput("ttlSeconds", f"must be {seconds}")
        at = at.astimezone(UTC).replace(microsecond=0)
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": customer.id,
            "ent": customer.entity_id,
            "key": minter.key_id,
            "scp": sorted(scope.value for scope in minter.scopes & OF_CUSTOMERS),
            "jti": f"tok_{uuid4().hex}",
            "iat": int(at.timestamp()),
            "exp": int((at + lifetime).timestamp()),
        }
        text = jwt.encode(claims, self.secrets[0].get_secret_value(), algorithm=ALGORITHM)
        return CustomerToken(str(claims["jti"]), SecretStr(text), at + lifetime)

    def read(self, text: str, *, at: datetime) -> Mapping[str, Any]:
        """The claims of a token that is ours and not past its end. Raises `NotAdmitted`."""
        if not text.isascii() or len(text) > MAX_CHARACTERS:
            raise NotAdmitted
        for secret in self.secrets:
            try:
                claims = _verified(text, secret)
            except jwt.InvalidTokenError:
                continue
            if not claims["iat"] <= at.timestamp() < claims["exp"]:
                raise NotAdmitted
            return claims
        raise NotAdmitted


def _verified(text: str, secret: SecretStr) -> Mapping[str, Any]:
    """Its times are compared with the clock we are handed, not with the one the library reads."""
    return jwt.decode(
        text,
        secret.get_secret_value(),
        algorithms=[ALGORITHM],
        issuer=ISSUER,
        audience=AUDIENCE,
        options={"require": list(CLAIMS), "verify_exp": False, "verify_iat": False, "verify_nbf": False},
    )


async def caller_of_token(text: str, signer: TokenSigner, whereabouts: Whereabouts, *, at: datetime) -> Caller:
    """Raises `NotAdmitted`."""
    claims = signer.read(text, at=at)
    minter = await ApiKey.get_or_none(id=claims["key"])
    if minter is None or not is_good(minter, at):
        raise NotAdmitted
    return Caller(
        kind=ActorKind.CUSTOMER_TOKEN,
        name=f"customer {claims['ent']}"[:128],
        scopes=granted(claims["scp"]) & OF_CUSTOMERS,
        key_id=minter.id,
        credential_id=claims["jti"],
        customer=OwnCustomer(claims["sub"], claims["ent"]),
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        whereabouts=whereabouts,
    )
