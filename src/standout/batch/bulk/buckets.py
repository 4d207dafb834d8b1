"""Object stores, as obstore opens them: S3, Google's and Azure's.

Object stores are reached by obstore, which lists them as a stream of pages of 1,000 names, where pyarrow's file systems
return a listing only as a whole; and which can write a file on the condition that there is none. Credentials are those
of the environment, as the vendors' own tools name them (AWS_ACCESS_KEY_ID, GOOGLE_APPLICATION_CREDENTIALS,
AZURE_STORAGE_ACCOUNT_KEY, ...), or the machine's own role. S3 also takes options behind a question mark, as in
s3://bucket/pics?endpoint_override=http://127.0.0.1:9000: endpoint_override, region, scheme, and anonymous=true.

To add a kind of store: a row in STORES.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from io import RawIOBase
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

from standout.errors import SetupError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

OPTIONS = {"endpoint_override": "endpoint", "region": "region", "scheme": "scheme", "anonymous": "skip_signature"}
"""Options of S3's URLs -> obstore's name for them."""


@cache
def opened(root: str, options: str) -> ObjectStore:
    """The store of the URL; connections are shared by all of this process's threads."""
    scheme, _, rest = root.partition("://")
    return STORES[scheme](rest, dict(parse_qsl(options)))


def _s3(rest: str, options: dict[str, str]) -> ObjectStore:
    from obstore.store import S3Store

    bucket, _, prefix = rest.partition("/")
    config: dict[str, Any] = {OPTIONS[name]: value for name, value in options.items() if name != "scheme"}
    told = [config.get("endpoint"), *map(os.environ.get, ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"))]
    endpoint = next(filter(None, told), "")
    if endpoint:
        config["endpoint"] = endpoint if "://" in endpoint else f"{options.get('scheme', 'https')}://{endpoint}"
    provider = None
    if "AWS_PROFILE" in os.environ and "AWS_ACCESS_KEY_ID" not in os.environ:
        try:
            from obstore.auth.boto3 import Boto3CredentialProvider
        except ImportError:
            raise SetupError("AWS_PROFILE is set, and only boto3 reads profiles; run: pip install boto3") from None
        provider = Boto3CredentialProvider()
    return S3Store(
        bucket, prefix=prefix or None, config=cast(Any, config), credential_provider=provider,
        client_options={"allow_http": str(config.get("endpoint", "")).startswith("http://")},
    )  # fmt: skip


def _gcs(rest: str, options: dict[str, str]) -> ObjectStore:
    from obstore.store import GCSStore

    bucket, _, prefix = rest.partition("/")
    return GCSStore(bucket, prefix=prefix or None)


def _azure(rest: str, options: dict[str, str]) -> ObjectStore:
    from obstore.store import AzureStore

    authority, _, prefix = rest.partition("/")
    container, _, host = authority.partition("@")
    account = {"account_name": host.partition(".")[0]} if host else {}
    return AzureStore(container, prefix=prefix or None, config=cast(Any, account))


STORES: dict[str, Callable[[str, dict[str, str]], ObjectStore]] = {
    "s3": _s3,
    "gs": _gcs,
    "abfs": _azure,
    "abfss": _azure,
}
"""Scheme of a URL -> what opens the rest of it, with the options behind its question mark."""


class Pieces(RawIOBase):
    """A reader of obstore as a file of Python, which gives plain bytes."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """See RawIOBase."""
        data = memoryview(self._reader.read(len(buffer)))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """See RawIOBase."""
        return int(self._reader.seek(offset, whence))

    def tell(self) -> int:
        """See RawIOBase."""
        return int(self._reader.tell())
