"""`standout`, and `python -m standout`: the way in, kept so light that --version costs nothing."""

from __future__ import annotations

import sys

from standout import __version__


def main() -> None:
    """Runs the command line and leaves with its exit code."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):  # before Typer, whose import takes longer than all else here
        print(f"standout {__version__}")
        return
    from standout.cli import main

    sys.exit(main(arguments))


if __name__ == "__main__":
    main()
