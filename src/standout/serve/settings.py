"""What whoever starts the server decides."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from standout.errors import InputError
from standout.models.registry import DEFAULT
from standout.serve.jobs.settings import JobSettings
from standout.support.system import cores

PORT = 8700
MEGABYTE, GIGABYTE = 2**20, 2**30


@dataclass(frozen=True)
class PictureLimits:
    """How large a picture may be: its bytes, and its pixels, which are known before it is decoded."""

    most_bytes: int
    most_pixels: int


@dataclass(frozen=True)
class ServerSettings:
    """Where the server listens, who may ask, and how much.

    port: 0 means any that is free. keys: one of them must come with each request; without any, all requests pass, which
    is allowed on a loopback address alone. origins: the web pages of other sites that may ask, or "*" for all.

    workers: processes that work on photos, each on one at a time. places: requests that are read, in work, or wait;
    more are refused with 429. rate: megapixels a minute for each key. most_bytes, most_pixels: of a picture. seconds:
    that a request's body may take. timeout: seconds that a worker may take for a photo. most_memory: bytes that a
    worker may hold; 0 sets no limit. jobs: what /v1/jobs may take.
    """

    host: str = "127.0.0.1"
    port: int = PORT
    keys: tuple[str, ...] = field(default=(), repr=False)
    origins: tuple[str, ...] = ()
    model: str = DEFAULT
    runtime: str = "auto"
    device: str = "auto"
    workers: int = field(default_factory=cores)
    places: int = 64
    rate: int = 20_000
    most_bytes: int = 22 * MEGABYTE
    most_pixels: int = 50_000_000
    seconds: float = 60.0
    timeout: float = 60.0
    most_memory: int = 4 * GIGABYTE
    jobs: JobSettings = field(default_factory=JobSettings)

    def __post_init__(self) -> None:
        """Raises InputError for a public address without keys, and for limits below 1."""
        if not self.keys and not self.is_local:
            raise InputError(
                f"host {self.host} can be reached by others and no key is set; "
                "give --keys FILE (or --key TEXT), or listen on 127.0.0.1"
            )
        for name in ("workers", "places", "rate", "most_bytes", "most_pixels", "seconds", "timeout"):
            if (value := getattr(self, name)) < 1:
                raise InputError(f"{name} is {value}; wanted 1 or more")

    @property
    def is_local(self) -> bool:
        """Whether this machine alone can reach the server.

        >>> [ServerSettings(host=host, keys=("a-secret",)).is_local for host in ("localhost", "127.0.0.9", "0.0.0.0")]
        [True, True, False]
        """
        return is_loopback(self.host)

    @property
    def pictures(self) -> PictureLimits:
        """The limits of a picture."""
        return PictureLimits(self.most_bytes, self.most_pixels)

    @property
    def most_held(self) -> int:
        """The bytes that the bodies of all requests may have together: as many as eight of the largest."""
        return 8 * self.most_body

    @property
    def most_body(self) -> int:
        """The largest body of a request, in bytes: two pictures in Base64, and room for the other fields."""
        return 2 * (self.most_bytes * 4 // 3) + MEGABYTE


def is_loopback(host: str) -> bool:
    """Whether a host name or address is one of this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
