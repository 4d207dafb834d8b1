"""Who may ask: keys, compared so that the time it takes tells nothing about them.

key    str     8 or more printable ASCII characters
file   text    one key in each line; empty lines and lines that begin with # are left out
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from pathlib import Path

from standout.errors import InputError
from standout.serve.refusals import auth_failed

SHORTEST = 8


class Keys:
    """The keys of which a request must bring one; without any, every request passes."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = [_digest(checked(key)) for key in dict.fromkeys(keys)]

    def caller(self, headers: Mapping[str, str]) -> str:
        """A name for who asks, which does not tell the key. Raises Refusal without a key, or with a wrong one."""
        if not self._digests:
            return ""
        given = headers.get("x-api-key", "")
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if not given and scheme.lower() == "bearer":
            given = token.strip()
        if not given:
            raise auth_failed("Missing API Key")
        if not self.holds(given):
            raise auth_failed("API Key invalid")
        return _digest(given).hex()[:16]

    def holds(self, key: str) -> bool:
        """Whether it is one of the keys."""
        digest = _digest(key)
        return bool(sum(hmac.compare_digest(digest, one) for one in self._digests))  # all, whichever is right


def checked(key: str) -> str:
    """The key. Raises InputError for one that is short, or that cannot be in a header."""
    if len(key) < SHORTEST or not key.isascii() or not key.isprintable() or " " in key:
        raise InputError(
            f"a key of {len(key)} characters cannot be used; wanted {SHORTEST} or more letters, digits and signs, "
            "without spaces; `python -c 'import secrets; print(secrets.token_urlsafe())'` makes one"
        )
    return key


def read(path: Path) -> tuple[str, ...]:
    """The keys in a file. Raises InputError where it cannot be read or holds none."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}); give a text file with one key in each line") from None
    keys = tuple(line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))
    if not keys:
        raise InputError(f"{path} holds no key; wanted one key in each line")
    return keys


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
