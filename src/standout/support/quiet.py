"""Silence for libraries that print to standard output and error, from Python and from C++."""

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
    """Discards what is printed inside. An error of a library becomes a ModelError: WHAT failed, and the reason."""
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
        except Exception as error:  # converters raise errors of any class
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise ModelError(f"{what} failed ({reason[-1][:200]})") from error
        finally:
            for number, copy in zip((1, 2), kept, strict=True):
                os.dup2(copy, number)
                os.close(copy)
            logging.disable(before)
