"""Silence for libraries that chatter on standard output and error, from Python and from C++ alike."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from standout.errors import ModelError, StandoutError


@contextmanager
def hushed(what: str) -> Iterator[None]:
    """Nothing is printed inside. A stranger's error there becomes a ModelError that says what failed, and why."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    kept = [os.dup(1), os.dup(2)]
    before = logging.root.manager.disable
    with (
        tempfile.TemporaryFile("w") as nowhere,
        warnings.catch_warnings(),
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
    ):
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        except StandoutError:
            raise
        except Exception as error:  # converters raise anything
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise ModelError(f"{what} failed ({reason[-1][:200]})") from error
        finally:
            for number, copy in zip((1, 2), kept, strict=True):
                os.dup2(copy, number)
                os.close(copy)
            logging.disable(before)
