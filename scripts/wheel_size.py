"""Prints a wheel's size and its largest files; ends with 1 where the wheel is larger than it may be.

python -m pip wheel --no-deps --wheel-dir dist . && python scripts/wheel_size.py dist/*.whl
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

LIMIT = 20.0
"""Megabytes (of 10^6 bytes), the models and onnxruntime-web included."""


def report(wheel: Path, *, largest: int = 8) -> tuple[str, bool]:
    """Lines about the wheel, and whether it is small enough."""
    megabytes = wheel.stat().st_size / 1e6
    with zipfile.ZipFile(wheel) as archive:
        files = sorted(archive.infolist(), key=lambda file: -file.compress_size)
    lines = [f"{wheel.name}: {megabytes:.1f} MB, limit {LIMIT:g} MB, {len(files)} files"]
    lines += [f"  {file.compress_size / 1e6:6.2f} MB  {file.filename}" for file in files[:largest]]
    return "\n".join(lines), megabytes <= LIMIT


def main() -> int:
    """The exit code."""
    if len(sys.argv) != 2:
        sys.exit("give one wheel: python scripts/wheel_size.py dist/NAME.whl")
    text, fits = report(Path(sys.argv[1]))
    print(text)
    return 0 if fits else 1


if __name__ == "__main__":
    sys.exit(main())
