"""What a worker hands back to the server: an answer, ready to be sent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WorkResult:
    """The body of an answer, its media type and its headers. pixels: how many the photo had, which the rate counts."""

    data: bytes
    media_type: str
    headers: dict[str, str]
    pixels: int
