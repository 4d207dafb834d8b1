"""The engine of a cluster: Ray Data hands blocks of items to workers on many machines, which keep their model loaded.

    address   "auto"        the cluster that this machine belongs to (RAY_ADDRESS, or that of `ray start`); where there
                            is none, the same as "local"
              "local"       Ray is started on this machine, with all its cores, and ended with the run
              "HOST:PORT"   a cluster that runs already, by the address of its head
    block     a few items, which one worker does one after the other; a clip is a block of its own
    window    as many blocks as Ray is given at a time, so that memory is flat however many items there are

Workers read photos and write results by themselves, and rows come back to the run, which records them. A worker that
dies, with its machine or by a photo that crashes a decoder, loses the rows of the blocks it had: their items are tried
again, each alone, and one that ends its process again becomes a row.
"""

from __future__ import annotations

import pickle
import secrets
import threading
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from standout.batch.bulk.cluster.connection import connected, first_line, last_line, module, parted
from standout.batch.bulk.cluster.worker import Answer, Worker
from standout.batch.bulk.ledger import BulkRow
from standout.batch.bulk.source import Item
from standout.batch.bulk.work import BulkWork
from standout.errors import SetupError
from standout.support.pipeline import ahead
from standout.support.version import __version__

if TYPE_CHECKING:
    from standout.batch.bulk.run import BulkEngine

SMALLEST, LARGEST = 8, 64
"""Photos of a block. Small ones leave no worker idle at the end; a large cluster needs fewer messages."""

FIRST, MOST = 1024, 8192
"""Items of the first window, for each worker, and of the largest: each is twice as large as the one before."""

IN_VAIN = 8
"""Items that end their process before anything else is done, after which the cluster itself is taken to be at fault."""


def on_a_cluster(address: str, *, workers: int | None = None, threads: int = 1) -> BulkEngine:
    """The engine. workers: items at once; None = as many as the cluster has cores, or GPUs for CUDA.

    threads: of the model, and cores, for each worker.

    Raises InputError for an address that is none, MissingExtra where Ray is not installed.
    """
    if address not in ("auto", "local"):
        parted(address)
    module()

    def engine(work: BulkWork, items: Iterator[Item], stop: Event) -> Generator[BulkRow, None, None]:
        with connected(address) as ray:
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
            dead = yield from self._tried([[item] for item in alone], queued=0)
            if not self._finished and len(dead) >= IN_VAIN:
                raise SetupError(
                    f"every worker of the cluster died with its first photo, {dead[0].address} and others; it may have "
                    "too little memory for so many workers (--jobs), or another version of Python's packages"
                )
            for item in dead if not self._stop.is_set() else ():
                why = "its worker ended twice; the file may be damaged, or need too much memory"
                target = self._work.target.address(self._work.name(item.key))
                yield BulkRow(item.key, target, "failed", f"{item.address}: {why}", attempt=item.attempt)

    def _tried(self, window: list[list[Item]], *, queued: int = 1) -> Generator[BulkRow, None, list[Item]]:
        """The rows of those blocks whose workers stay alive; returns the items of the others.

        queued: blocks that wait at each worker, so that it is never idle; they are lost with it.

        Raises SetupError where workers cannot work, and where the cluster is lost.
        """
        waiting, idle, before = dict(enumerate(window)), set[str](), len(window) + 1
        while waiting:
            try:
                with closing(self._answers(waiting, queued)) as answers:
                    for answer in answers:
                        if answer.fault:
                            raise SetupError(answer.fault)
                        if waiting.pop(answer.block, None) is not None:
                            self._finished += len(answer.rows)
                            yield from answer.rows
                        idle |= {answer.worker} if answer.left else set()
                        if len(idle) >= self._size:  # and so nothing is in work any more
                            return []
                break
            except self._ray.exceptions.RayError as error:  # such as a machine that is lost with answers on it
                if not self._finished and isinstance(error, self._ray.exceptions.RayActorError):
                    raise SetupError(
                        f"the workers of the Ray cluster do not start ({last_line(error)}); every machine of it needs "
                        f"standout[ray] {__version__}, as this one has, and the same version of Python"
                    ) from error
                if len(waiting) == before:
                    raise SetupError(
                        f"the Ray cluster does not answer any more ({first_line(error)}); see to it, and run the same "
                        "command again: it goes on from here"
                    ) from error
                before = len(waiting)
        return list(chain.from_iterable(waiting.values()))

    def _answers(self, numbered: dict[int, list[Item]], queued: int) -> Generator[Answer, None, None]:
        """What the workers say, in any order. Blocks whose worker died are missing."""
        from ray.data import ActorPoolStrategy, from_items

        sent = [{"block": pickle.dumps(one)} for one in numbered.items()]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Ray 2.64 will take no max_task_retries, and pyproject.toml asks for less
            results = from_items(sent, override_num_blocks=len(sent)).map_batches(
                Worker,
                fn_constructor_args=self._worker,
                batch_size=1,
                compute=ActorPoolStrategy(size=min(self._size, len(sent)), max_tasks_in_flight_per_actor=1 + queued),
                num_cpus=self._cores,
                num_gpus=_gpus(self._work) or None,
                max_restarts=-1,
                max_task_retries=0,  # a block is not sent again as it is: it may hold what ended its worker
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
