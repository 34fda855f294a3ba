"""The mark of a message whose signatures are all checked."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Verified(Generic[T]):
    """A message that admission.py vouches for; nothing else may build one."""

    value: T
