"""An S3 server on this machine, for tests: moto's, which keeps its objects in memory, in a process of its own.

    server    a context: the server's URL and how to put photos into a bucket
    main      the process: python tests/s3_server.py [BUCKET NAMES]

The process prints its port. It ends with its standard input, so that nothing of it outlives a test that is killed. With
BUCKET and NAMES it first makes a bucket with so many empty objects, without a request for each: many/00000000.jpg and
so on.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""What a client needs in its environment; the server takes any."""

LISTING = """
import re, sys
from pathlib import Path
from standout.batch.bulk.source import ItemSource
count = sum(1 for item in ItemSource.of(sys.argv[1]).items())
print(count, re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""
"""A program that prints how many items a source has, and the most kilobytes that it has ever held."""


@dataclass(frozen=True)
class S3Server:
    """A server that runs. host: its address and port, such as 127.0.0.1:5000."""

    host: str

    def files(self) -> Any:
        """The server as a file system of pyarrow, whose paths begin with the bucket."""
        from pyarrow.fs import S3FileSystem

        return S3FileSystem(
            access_key=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            secret_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region=CREDENTIALS["AWS_DEFAULT_REGION"],
            endpoint_override=self.host,
            scheme="http",
            allow_bucket_creation=True,
        )

    def url(self, path: str) -> str:
        """The path, which begins with the bucket, as the URL that the command line takes."""
        return f"s3://{path}?scheme=http&endpoint_override={self.host}"

    def put(self, path: str, data: bytes) -> None:
        """Writes an object; its bucket is made where it does not exist."""
        files = self.files()
        files.create_dir(path.partition("/")[0], recursive=False)
        with files.open_output_stream(path) as stream:
            stream.write(data)


@contextmanager
def server(bucket: str = "", names: int = 0) -> Iterator[S3Server]:
    """A server, with a bucket of so many empty objects where one is named. It is gone at the end."""
    command = [sys.executable, "-W", "ignore", __file__, *([bucket, str(names)] if bucket else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            assert port.isdigit(), f"moto's server did not begin; it said {port!r}"
            yield S3Server(f"127.0.0.1:{port}")
        finally:
            process.kill()


def main(arguments: list[str]) -> None:
    """Serves until standard input ends."""
    import logging

    from moto.s3.models import s3_backends
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    if arguments:
        bucket, names = arguments[0], int(arguments[1])
        store = s3_backends["123456789012"]["aws"]
        store.create_bucket(bucket, CREDENTIALS["AWS_DEFAULT_REGION"])
        for number in range(names):
            store.put_object(bucket, f"many/{number:08}.jpg", b"")
    print(running.get_host_and_port()[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1:])
