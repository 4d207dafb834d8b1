"""The engine of a cluster: Ray Data hands blocks of items to workers on many machines, which keep their model loaded.

    address   "auto"        the cluster that this machine belongs to; where there is none, Ray is started here
              "local"       Ray is started on this machine, with all its cores, and ended with the run
              "HOST:PORT"   a cluster that runs already, by the address of its head
    block     a few items, which one worker does one after the other; a clip is a block of its own
    window    as many blocks as Ray is given at a time, so that memory is flat however many items there are

Workers read photos and write results by themselves, and rows come back to the run, which records them. A worker that
dies, with its machine or by a photo that crashes a decoder, loses the rows of the blocks it had: their items are tried
again, each alone, and one that ends its process again becomes a row.

Ray's own output, its dashboard and its usage statistics are off.
"""

from __future__ import annotations

import logging
import os
import pickle
import re
import secrets
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from standout.batch.bulk.cluster_worker import Answer, Worker
from standout.batch.bulk.ledger import BulkRow
from standout.batch.bulk.source import Item
from standout.batch.bulk.work import BulkWork
from standout.errors import InputError, MissingExtra, SetupError
from standout.support.pipeline import ahead
from standout.support.quiet import hushed
from standout.support.system import cores
from standout.support.version import __version__

if TYPE_CHECKING:
    from standout.batch.bulk.run import BulkEngine

SMALLEST, LARGEST = 8, 64
"""Photos of a block. Small ones leave no worker idle at the end; a large cluster needs fewer messages."""

FIRST, MOST = 1024, 8192
"""Items of the first window, for each worker, and of the largest: each is twice as large as the one before."""

IN_VAIN = 8
"""Items that end their process before anything else is done, after which the cluster itself is taken to be at fault."""

MEMORY = 256 << 20
"""Bytes of Ray's object store where Ray is started here. Only names of files and rows go through it."""

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # otherwise Ray warns that it will change its mind
}


def on_a_cluster(address: str, *, workers: int | None = None, threads: int = 1) -> BulkEngine:
    """The engine. workers: items at once; None = as many as the cluster has cores, or GPUs for CUDA.

    threads: of the model, and cores, for each worker.

    Raises InputError for an address that is none, MissingExtra where Ray is not installed.
    """
    if address not in ("auto", "local") and not re.fullmatch(r"[\w.-]+:\d+|\[[0-9a-fA-F:]+\]:\d+", address):
        raise InputError(
            f"--ray {address!r} is no address of a cluster; wanted auto, local, or the head's HOST:PORT such as "
            "10.0.0.1:6379. With ray://, run the command on the cluster instead: ray job submit -- standout batch ..."
        )
    _ray()

    def engine(work: BulkWork, items: Iterator[Item], stop: Event) -> Generator[BulkRow, None, None]:
        with _connected(address) as ray:
            yield from _Run(ray, work, stop, _size(ray, work, workers, threads), threads).rows(items)

    return engine


class _Run:
    """One run on a cluster that is connected. size: workers."""

    def __init__(self, ray: Any, work: BulkWork, stop: Event, size: int, threads: int) -> None:
        self._ray, self._work, self._stop, self._size = ray, work, stop, size
        self._stops = _Stops(f"standout-stop-{secrets.token_hex(8)}")
        self._worker = (work, threads, str(Path.cwd()), __version__, self._stops)
        self._flag: Any = None
        self._cores = threads
        self._finished = 0

    def rows(self, items: Iterator[Item]) -> Generator[BulkRow, None, None]:
        """The rows of all items, or of those that were in work when stop was set."""
        with closing(ahead(self._windows(items), depth=1)) as windows:
            for window in windows:
                if self._stop.is_set():
                    return
                yield from self._window(window)

    def _windows(self, items: Iterator[Item]) -> Iterator[list[list[Item]]]:
        """The items as blocks, so many at a time."""
        window, count, most = list[list[Item]](), 0, FIRST * self._size
        for block in blocks(items, max(SMALLEST, min(LARGEST, self._size))):
            if self._stop.is_set():
                return
            window.append(block)
            count += len(block)
            if count >= most:
                yield window
                window, count, most = [], 0, min(2 * most, MOST * self._size)
        if window:
            yield window

    def _window(self, window: list[list[Item]]) -> Generator[BulkRow, None, None]:
        """The rows of a window. Raises SetupError where no worker can do anything."""
        lost = yield from self._tried(window)
        while lost and not self._stop.is_set():
            alone = lost if self._finished else lost[:IN_VAIN]
            lost = lost[len(alone) :]
            dead = yield from self._tried([[item] for item in alone])
            if not self._finished and len(dead) >= IN_VAIN:
                raise SetupError(
                    f"every worker of the cluster died with its first photo, {dead[0].address} and others; it may have "
                    "too little memory for so many workers (--jobs), or another version of Python's packages"
                )
            for item in dead if not self._stop.is_set() else ():
                why = "its worker ended twice; the file may be damaged, or need too much memory"
                target = self._work.target.address(self._work.name(item.key))
                yield BulkRow(item.key, target, "failed", f"{item.address}: {why}", attempt=item.attempt)

    def _tried(self, window: list[list[Item]]) -> Generator[BulkRow, None, list[Item]]:
        """The rows of those blocks whose workers stay alive; returns the items of the others."""
        waiting, idle = dict(enumerate(window)), set[str]()
        with closing(self._answers(waiting)) as answers:
            for answer in answers:
                if answer.fault:
                    raise SetupError(answer.fault)
                waiting.pop(answer.block)
                self._finished += len(answer.rows)
                yield from answer.rows
                if answer.left:
                    idle.add(answer.worker)
                if len(idle) >= self._size:  # and so nothing is in work any more
                    return []
        return list(chain.from_iterable(waiting.values()))

    def _answers(self, numbered: dict[int, list[Item]]) -> Generator[Answer, None, None]:
        """What the workers say, in any order. Blocks whose worker died are missing."""
        from ray.data import ActorPoolStrategy, from_items

        sent = [{"block": pickle.dumps(one)} for one in numbered.items()]
        size = min(self._size, len(sent))
        results = from_items(sent, override_num_blocks=len(sent)).map_batches(
            Worker,
            fn_constructor_args=self._worker,
            batch_size=None,
            compute=ActorPoolStrategy(size=size, max_tasks_in_flight_per_actor=2),
            num_cpus=self._cores,
            num_gpus=_gpus(self._work) or None,
            # A block is not sent again as it is: it may hold the photo that ended its worker.
            ray_remote_args_fn=lambda: {"max_restarts": -1, "max_task_retries": 0},
        )
        with _stopping(self._stop, self._say_stop):
            for batch in results.iter_batches(batch_size=None, prefetch_batches=0):
                for answer in batch["answer"]:
                    yield pickle.loads(answer)

    def _say_stop(self) -> None:
        """Tells all workers to finish what they have in work and to begin nothing else."""
        if self._flag is None:
            self._flag = self._ray.remote(num_cpus=0)(_Flag).options(name=self._stops.name).remote()


class _Flag:
    """An actor of Ray that does nothing: where one of its name exists, the run is to stop."""


@dataclass(frozen=True)
class _Stops:
    """Whether there is an actor of that name, asked by a worker on its machine. It takes no process until there is."""

    name: str

    def __call__(self) -> bool:
        """See the class. Raises RuntimeError where the run is over."""
        import ray

        try:
            ray.get_actor(self.name)
        except ValueError:
            return False
        except ray.exceptions.RayError as error:
            raise RuntimeError("the run is over") from error
        return True


def blocks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in blocks of so many photos; each clip is a block of its own."""
    block = list[Item]()
    for item in items:
        if item.is_clip:
            yield [item]
            continue
        block.append(item)
        if len(block) == size:
            yield block
            block = []
    if block:
        yield block


def _gpus(work: BulkWork) -> int:
    """GPUs that each worker has to itself."""
    return int(work.device.startswith("cuda"))


def _size(ray: Any, work: BulkWork, workers: int | None, threads: int) -> int:
    """How many workers there are. Raises SetupError where the cluster has not even what one of them needs."""
    has = ray.cluster_resources()
    fit = int(has.get("CPU", 0) // threads)
    if _gpus(work):
        fit = min(fit, int(has.get("GPU", 0)))
    if fit < 1:
        raise SetupError(
            f"a worker needs {threads} CPU{' and a GPU' * _gpus(work)}, and the cluster has {has.get('CPU', 0):g} CPUs "
            f"and {has.get('GPU', 0):g} GPUs; use fewer --threads, or another --device"
        )
    return min(workers or fit, fit)


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """The module ray, connected to the cluster until the end; where it was connected already, it stays so."""
    ray = _ray()
    if ray.is_initialized():
        yield ray
        return
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    hook, temporary = sys.excepthook, None
    try:
        with hushed("Ray"):
            if address == "local" or not _joined(ray, address):
                temporary = _started(ray)
        for number, handler in kept.items() if threading.current_thread() is threading.main_thread() else ():
            signal.signal(number, handler)  # Ray ends the process with handlers of its own
        yield ray
    finally:
        with hushed("Ray"):
            ray.shutdown()
        sys.excepthook = hook
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _joined(ray: Any, address: str) -> bool:
    """Whether this process is part of the cluster now; False for "auto" where there is none."""
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
    except Exception as error:
        if address == "auto" and isinstance(error, ConnectionError):
            return False
        raise SetupError(
            f"the cluster at {address} cannot be reached ({_first_line(error)}); check the address and that "
            "`ray status` answers there, or start Ray on this machine with --ray local"
        ) from error
    return True


def _started(ray: Any) -> str:
    """Starts Ray on this machine; returns the folder of its temporary files."""
    place = "/tmp" if Path("/tmp").is_dir() else None  # sockets need a short path
    temporary = tempfile.mkdtemp(prefix="standout-ray-", dir=place)
    try:
        ray.init(
            address="local", num_cpus=cores(), include_dashboard=False, log_to_driver=False,
            logging_level=logging.CRITICAL, object_store_memory=MEMORY, _temp_dir=temporary,
        )  # fmt: skip
    except Exception as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise SetupError(f"Ray cannot be started on this machine ({_first_line(error)})") from error
    return temporary


def _ray() -> Any:
    """The module ray, silenced. Raises MissingExtra where it is not installed."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        with hushed("Ray"):
            import ray
            import ray.data
    except ImportError:
        raise MissingExtra("a cluster", "ray") from None
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.max_errored_blocks = -1  # they are tried again by _Run
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    return ray


@contextmanager
def _stopping(stop: Event, act: Callable[[], object]) -> Iterator[None]:
    """Acts once stop is set inside, whatever this thread is waiting for."""
    over = Event()

    def watch() -> None:
        while not over.is_set():
            if stop.wait(0.2):
                act()
                return

    thread = threading.Thread(target=watch, name="standout-stopping", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
