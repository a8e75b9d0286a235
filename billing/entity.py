"""Who is billed. Everything that is wrong with an entity is told at once."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from email_validator import EmailNotValidError, validate_email

from billing.errors import InvalidInput, InvalidInputs
from billing.tiers import EntityType

LONGEST_ENTITY_ID = 128
_ID = re.compile(rf"[A-Za-z0-9._:@-]{{1,{LONGEST_ENTITY_ID}}}")
_NAME_CHARS = 200

# Stripe's limits: docs.stripe.com/api/metadata
_METADATA_KEYS = 49  # Stripe takes 50, and one of them is the entity id
_METADATA_KEY_CHARS = 40
_METADATA_VALUE_CHARS = 500


@dataclass(frozen=True, slots=True)
class Entity:
    """Made by `validate_entity`; the metadata is read-only and sorted by key."""

    id: str
    type: EntityType
    name: str
    email: str
    metadata: Mapping[str, str] = field(hash=False)


def validate_entity(
    *, entity_id: str, entity_type: str, name: str, email: str, metadata: Mapping[str, str] | None = None
) -> Entity:
    metadata = metadata or {}
    stripped_name = name.strip()
    problems = (
        *_id_problems(entity_id),
        *_type_problems(entity_type),
        *_name_problems(stripped_name),
        *_email_problems(email),
        *_metadata_problems(metadata),
    )
    if problems:
        raise InvalidInputs(problems)
    return Entity(
        id=entity_id,
        type=EntityType(entity_type),
        name=stripped_name,
        email=_normalized_email(email),
        metadata=MappingProxyType(dict(sorted(metadata.items()))),
    )


def _id_problems(entity_id: str) -> Iterator[InvalidInput]:
    if not _ID.fullmatch(entity_id):
        yield InvalidInput("entity.id", "must be 1 to 128 letters, digits and . _ : @ -")


def _type_problems(entity_type: str) -> Iterator[InvalidInput]:
    if entity_type not in list(EntityType):
        yield InvalidInput("entity.type", f"must be {' or '.join(EntityType)}")


def _name_problems(name: str) -> Iterator[InvalidInput]:
    if not 1 <= len(name) <= _NAME_CHARS:
        yield InvalidInput("entity.name", f"must be 1 to {_NAME_CHARS} characters")
    if _has_control_characters(name):
        yield InvalidInput("entity.name", "must not contain control characters")


def _email_problems(email: str) -> Iterator[InvalidInput]:
    try:
        _normalized_email(email)
    except EmailNotValidError as problem:
        yield InvalidInput("entity.email", f"must be an e-mail address: {problem}")


def _normalized_email(email: str) -> str:
    return validate_email(email, check_deliverability=False).normalized


def _metadata_problems(metadata: Mapping[str, str]) -> Iterator[InvalidInput]:
    if len(metadata) > _METADATA_KEYS:
        yield InvalidInput("entity.metadata", f"must have at most {_METADATA_KEYS} keys")
        return
    for key, value in metadata.items():
        if sentence := _metadata_problem(key, value):
            yield InvalidInput("entity.metadata", sentence)


def _metadata_problem(key: str, value: str) -> str | None:
    if not 1 <= len(key) <= _METADATA_KEY_CHARS or _has_control_characters(key) or "[" in key or "]" in key:
        return f"has a key that is not 1 to {_METADATA_KEY_CHARS} plain characters without brackets: {key[:50]!r}"
    if not 1 <= len(value) <= _METADATA_VALUE_CHARS:  # an empty value tells Stripe to remove the key
        return f"must have 1 to {_METADATA_VALUE_CHARS} characters under {key!r}"
    if _has_control_characters(value):
        return f"must not have control characters under {key!r}"
    return None


def _has_control_characters(text: str) -> bool:
    """Also line separators and lone surrogates, which no UTF-8 can carry."""
    return any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in text)
