"""The connection to a Ray cluster: one that runs already, or one that is started here and ended with the run.

Ray's own output, its dashboard and its usage statistics are off.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from standout.errors import InputError, MissingExtra, OutputError, SetupError
from standout.support.lock import locked
from standout.support.quiet import hushed
from standout.support.system import cores

MEMORY = 256 << 20
"""Bytes of Ray's object store where Ray is started here. Only names of files and rows go through it."""

REACHED = 10.0
"""Seconds in which the head of a cluster must answer."""

FRESH = 60.0
"""Seconds for which such a folder, which may not be locked yet, is left alone."""

_PREFIX = "standout-ray-"
"""Of folders of Ray's temporary files. Those of runs that were killed are removed by the next run that starts Ray."""

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_gcs_server_port_wait_time_s": "120",  # its first process may be slow to start on a busy machine
    "RAY_worker_niceness": "0",  # workers are as important as the command that started them
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # otherwise Ray warns that it will change its mind
}


@contextmanager
def connected(address: str, *, cpus: int | None = None) -> Iterator[Any]:
    """The module ray, connected to the cluster until the end; where it was connected already, it stays so.

    cpus: where Ray is started here, the CPUs that it counts; None = all cores.
    """
    ray = module()
    if ray.is_initialized():
        yield ray
        return
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    hook, started = sys.excepthook, None
    access = {name: os.environ.get(name) for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN")}
    try:
        with hushed("Ray"):
            joined = own() if address == "auto" else address
            if joined in (None, "local"):
                started = _started(ray, cpus or cores())
            else:
                join(ray, joined)
        for number, handler in kept.items() if threading.current_thread() is threading.main_thread() else ():
            signal.signal(number, handler)  # Ray ends the process with handlers of its own
        ray._private.worker._worker_logs_enabled = False  # it prints even errors that are seen to here
        yield ray
    finally:
        with hushed("Ray"):
            ray.shutdown()
        ray._private.worker._worker_logs_enabled = True
        sys.excepthook = hook
        for name, value in access.items():
            os.environ.pop(name, None)
            os.environ.update({} if value is None else {name: value})
        if started is not None:
            started[1].close()
            shutil.rmtree(started[0], ignore_errors=True)


def own() -> str | None:
    """The address of the cluster that this machine belongs to; None where there is none.

    Ray's own "auto" takes any that it finds here, such as one that ends with another run.
    """
    named = os.environ.get("RAY_ADDRESS")
    if named:
        return named
    try:
        started = Path(os.environ.get("RAY_TMPDIR", "/tmp"), "ray", "ray_current_cluster").read_text().strip()
        socket.create_connection(parted(started), timeout=REACHED).close()
    except (OSError, ValueError, InputError):  # none was started, or it has ended
        return None
    return started


def parted(address: str) -> tuple[str, int]:
    """The host and the port. Raises InputError for what is no such address."""
    match = re.fullmatch(r"([\w.-]+|\[[0-9a-fA-F:]+\]):(\d+)", address)
    if match is None:
        raise InputError(
            f"{address!r} is no address of a Ray cluster; wanted auto, local, or the head's HOST:PORT such as "
            "10.0.0.1:6379. In place of ray://..., run the command on the cluster: ray job submit -- standout batch ..."
        )
    return match[1].strip("[]"), int(match[2])


def join(ray: Any, address: str) -> None:
    """Makes this process part of the cluster. Raises SetupError where it cannot be reached."""
    try:
        socket.create_connection(parted(address), timeout=REACHED).close()  # Ray itself tries for minutes
        ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
    except (OSError, RuntimeError, ValueError) as error:
        raise SetupError(
            f"the Ray cluster at {address} cannot be joined ({first_line(error)}); check the address, that both have "
            "the same versions of Python and Ray, and, if it needs a token, RAY_AUTH_MODE=token and ~/.ray/auth_token"
        ) from error


def _started(ray: Any, cpus: int) -> tuple[str, BinaryIO]:
    """Starts Ray on this machine; returns the folder of its temporary files, and the lock on it.

    Raises SetupError where Ray does not start.
    """
    place = Path("/tmp" if Path("/tmp").is_dir() else tempfile.gettempdir())  # sockets need a short path
    for left in place.glob(f"{_PREFIX}*"):
        with suppress(OutputError, OSError):  # its run goes on, or is another user's
            if time.time() - left.stat().st_mtime > FRESH:
                locked(left).close()
                shutil.rmtree(left, ignore_errors=True)
    os.environ.setdefault("RAY_AUTH_TOKEN", _token())
    temporary = tempfile.mkdtemp(prefix=_PREFIX, dir=place)
    lock = locked(Path(temporary))
    try:
        ray.init(
            address="local", num_cpus=cpus, include_dashboard=False, log_to_driver=False,
            logging_level=logging.CRITICAL, object_store_memory=MEMORY, _temp_dir=temporary,
        )  # fmt: skip
    except Exception as error:
        lock.close()
        shutil.rmtree(temporary, ignore_errors=True)
        raise SetupError(f"Ray cannot be started on this machine ({first_line(error)})") from error
    return temporary, lock


@cache
def _token() -> str:
    """The token that Ray asks all that connect for, and would otherwise write into the user's home folder.

    It is the same until this process ends, since Ray keeps the first that it sees.
    """
    return secrets.token_hex(32)


def module() -> Any:
    """The module ray, silenced. Raises MissingExtra where it is not installed."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    with hushed("Ray"):
        try:
            import ray
            import ray.data
        except ImportError:
            raise MissingExtra("a cluster", "ray") from None
        context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.max_errored_blocks = -1  # they are tried again by the run
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    return ray


def first_line(error: Exception) -> str:
    """The first line of what an error says; Ray's go on for pages."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def last_line(error: Exception) -> str:
    """The last line of what an error says, which for an error of another machine is that error itself."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()[:200]
