"""Which part of the work a machine does, agreed on without any word between machines: by a hash of each item's key.

    "3/16"   the third of sixteen parts. Counting from 0 does as well as counting from 1: 0/16 and 16/16 are one part.

All members of a tar file belong to one part, so that each file is read by one machine alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b

from standout.errors import InputError

DIGEST = 16
"""Bytes of a key's digest: two of a billion keys share one with a chance of 1 to 10**20."""


def group(key: str) -> str:
    """What decides to which part an item belongs: its key, or that of the tar file it is in.

    >>> group("2024/a.jpg"), group("x/0003.tar/000123.jpg")
    ('2024/a.jpg', 'x/0003.tar')
    """
    match = re.match(r".*?\.tar(?=/)", key, re.I | re.S)
    return match[0] if match else key


def digest(key: str) -> bytes:
    """The digest of a key, the same on every machine."""
    return blake2b(key.encode("utf-8", "surrogateescape"), digest_size=DIGEST).digest()


@dataclass(frozen=True)
class Shards:
    """The part `index` of `count` parts; by default all of it."""

    index: int = 0
    count: int = 1

    @classmethod
    def of(cls, text: str) -> Shards:
        """The part that the text names.

        >>> Shards.of("3/16"), Shards.of("16/16") == Shards.of("0/16")
        (Shards(index=3, count=16), True)
        """
        match = re.fullmatch(r"(\d+)/(\d+)", text.strip())
        if match is None or not int(match[2]) > 0 or int(match[1]) > int(match[2]):
            raise InputError(f"--shards {text!r} is no part of a whole; wanted K/N, such as 3/16 for the third of 16")
        return cls(int(match[1]) % int(match[2]), int(match[2]))

    def have(self, key: str) -> bool:
        """Whether what has that key belongs to this part."""
        return self.count == 1 or int.from_bytes(digest(group(key))[:8], "big") % self.count == self.index

    def __str__(self) -> str:
        return f"{self.index or self.count}/{self.count}"
