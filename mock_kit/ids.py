"""Ids that a seed repeats exactly."""

import random
import string
from uuid import UUID

LETTERS_AND_DIGITS = string.ascii_letters + string.digits


class Ids:
    """Without a seed every process makes other ids, so that a restarted sandbox never reuses those of its last life."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)  # noqa: S311 - identifiers to repeat, not secrets to guess

    def uuid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def token(self, length: int = 24) -> str:
        return "".join(self._random.choices(LETTERS_AND_DIGITS, k=length))
