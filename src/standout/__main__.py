"""`standout`, and `python -m standout`: the way in, kept so light that --version costs nothing."""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
from io import TextIOWrapper

from standout.support.version import __version__


def main() -> None:
    """Runs the command line and leaves with its exit code."""
    _open_streams()
    try:
        code = _carried_out(sys.argv[1:])
    except KeyboardInterrupt:  # as it starts
        code = 130
    except OSError as error:
        _tell(error)
        code = 1
    sys.exit(code if _flushed() else code or 1)


def _carried_out(arguments: list[str]) -> int:
    if arguments in (["--version"], ["-V"]):  # before Typer, whose import takes longer than all else here
        print(f"standout {__version__}")
        return 0
    from standout.cli import main

    return main(arguments)


def _open_streams() -> None:
    """Standard input, output and error are there, and take any text.

    What is closed (`>&-`) leads nowhere from now on: else the next file that is opened would get its number, and
    whatever a library prints would go into that file. Names that are no proper text leave as the bytes they came as.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    codecs.register_error("standout", _as_it_came)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="standout")


def _as_it_came(error: UnicodeError) -> tuple[bytes, int]:
    """Characters that standard output cannot show: bytes of a file name as they were, others as \\u and a number."""
    assert isinstance(error, UnicodeEncodeError)
    wrong = error.object[error.start : error.end]
    shown = (
        bytes([ord(one) - 0xDC00]) if "\udc80" <= one <= "\udcff" else one.encode("ascii", "backslashreplace")
        for one in wrong
    )
    return b"".join(shown), error.end


def _flushed() -> bool:
    """Whether all that was printed has left; if not, that is said, unless just nobody reads it any more."""
    whole = True
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError) as error:
            whole = False
            if number == 1:
                _tell(error)
            nowhere = os.open(os.devnull, os.O_WRONLY)  # or Python would try once more, and complain
            os.dup2(nowhere, number)
            os.close(nowhere)
    return whole


def _tell(error: Exception) -> None:
    if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
        with contextlib.suppress(OSError):
            print(f"error: standard output cannot be written ({error.strerror})", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
