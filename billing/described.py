from enum import StrEnum
from typing import Self


class Described(StrEnum):
    """Written `NAME = "NAME", "what it means"`; the meaning documents it in the schema."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        code = str.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code
