"""Prints what each package of the base install takes on disk, unpacked, and its largest files.

    python benchmarks/install_size.py                     # in a new environment, made of this checkout and thrown away
    python benchmarks/install_size.py --python PATH       # what another environment's interpreter has installed

Sizes are those of the files in each package's RECORD, bytecode of pip's included; pip itself is left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent

LIST = """
import importlib.metadata, json, os
found = {}
for one in importlib.metadata.distributions():
    sizes = {}
    for file in one.files or []:
        try:
            sizes[str(file)] = os.lstat(one.locate_file(file)).st_size
        except OSError:  # listed, but gone, such as bytecode of another interpreter
            pass
    found[one.metadata["Name"]] = one.version, sizes
print(json.dumps(found))
"""

NOT_OURS = {"pip", "setuptools", "wheel"}

MB = 1e6


def installed(python: Path) -> dict[str, tuple[str, dict[str, int]]]:
    """Package -> its version, and the size of each of its files in bytes."""
    done = subprocess.run([python, "-I", "-c", LIST], capture_output=True, text=True, check=True)
    found: dict[str, tuple[str, dict[str, int]]] = json.loads(done.stdout)
    return {name: row for name, row in found.items() if name not in NOT_OURS}


def fresh(folder: Path) -> Path:
    """The interpreter of a new environment in which this checkout is installed from a wheel."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", str(ROOT)], check=True)
    return python


def table(found: dict[str, tuple[str, dict[str, int]]]) -> str:
    """The markdown: a row for each package of 1 MB or more, the largest first, and one for the rest."""
    totals = {name: sum(sizes.values()) for name, (_, sizes) in found.items()}
    whole = sum(totals.values())
    lines = ["| package | version | MB | share | largest files, MB |", "|---|---|---|---|---|"]
    small = [name for name in totals if totals[name] < MB]
    for name in sorted(totals.keys() - set(small), key=lambda name: -totals[name]):
        version, sizes = found[name]
        largest = sorted(sizes.items(), key=lambda row: -row[1])[:3]
        told = ", ".join(f"`{Path(file).name}` {size / MB:.0f}" for file, size in largest if size >= 2 * MB)
        lines.append(f"| {name} | {version} | {totals[name] / MB:.1f} | {100 * totals[name] / whole:.0f} % | {told} |")
    rest = sum(totals[name] for name in small)
    lines.append(f"| {len(small)} more | | {rest / MB:.1f} | {100 * rest / whole:.0f} % | |")
    bytecode = sum(size for _, sizes in found.values() for file, size in sizes.items() if file.endswith(".pyc"))
    lines.append(f"| **all** | | **{whole / MB:.0f}** | | of it bytecode that pip compiled: {bytecode / MB:.0f} |")
    return "\n".join(lines)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, help="the interpreter of an environment that is there already")
    options = parser.parse_args()
    if options.python:
        print(table(installed(options.python)))
        return
    with tempfile.TemporaryDirectory() as folder:
        print(table(installed(fresh(Path(folder)))))


if __name__ == "__main__":
    main()
