"""Writes the tables of docs/licenses.md: the license of every package that standout installs, from its own metadata.

    .venv/bin/python scripts/licenses.py        # after scripts/venv dev converters, on Linux

A table whose packages are not all installed here stays as it is. Ends with 1 where a license or a bundled library is
one that the tables below do not know: then look it up, and add a row to STATED or LIBRARIES.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "licenses.md"
OWN = "standout"

SPDX = {
    "MIT License": "MIT",
    "MIT-CMU": "MIT-CMU",
    "ISC License (ISCL)": "ISC",
    "BSD License": "BSD-3-Clause",
    "BSD": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "FreeBSD": "BSD-2-Clause",
    "Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache License": "Apache-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "WTFPL": "WTFPL",
}
"""What metadata says in other words -> its SPDX identifier."""

STATED = {
    "pi-heif": "BSD-3-Clause",  # its classifier names the LGPL, which is its wheel's
    "torchao": "BSD-3-Clause",  # only in its license file
}
"""Packages whose metadata is wrong or says nothing, and what their license files say."""

LIBRARY = r"lib(.+?)(?:[-.][0-9a-f]{8})*(?:\.\d+)*\.so(?:\.\d+\w*)*"
"""The file name of a shared library of Linux, with the hashes that keep copies in several wheels apart."""

NVIDIA = "nvidia-*, cuda-*"
"""The row that stands for all packages with CUDA, which differ from one torch to the next and come on Linux alone."""

LIBRARIES = {
    "x264": ("x264", "GPL-2.0-or-later"),
    "x265": ("x265", "GPL-2.0-or-later"),
    "heif": ("libheif", "LGPL-3.0-or-later"),
    "de265": ("libde265", "LGPL-3.0-or-later"),
    "mp3lame": ("LAME", "LGPL-2.0-or-later"),
    "asound": ("ALSA", "LGPL-2.1-or-later"),
    "gnutls": ("GnuTLS", "LGPL-2.1-or-later"),
    "gmp": ("GMP", "LGPL-3.0-or-later OR GPL-2.0-or-later"),
    "nettle": ("Nettle", "LGPL-3.0-or-later OR GPL-2.0-or-later"),
    "hogweed": ("Nettle", "LGPL-3.0-or-later OR GPL-2.0-or-later"),
    "unistring": ("libunistring", "LGPL-3.0-or-later OR GPL-2.0-or-later"),
    "gfortran": ("GCC's runtime", "GPL-3.0-or-later WITH GCC-exception-3.1"),
    "gomp": ("GCC's runtime", "GPL-3.0-or-later WITH GCC-exception-3.1"),
    "quadmath": ("libquadmath", "LGPL-2.0-or-later"),
}
"""Shared libraries whose license asks for more than a notice: their file name without "lib" -> name, license."""

FFMPEG = {"av": "LGPL-3.0-or-later", "opencv-python-headless": "LGPL-2.1-or-later"}
"""Wheels with FFmpeg, and the license that it says it was built under (avcodec_license)."""

PLAIN = {
    "SvtAv1Enc", "Xau", "aom", "avif", "brotlicommon", "brotlidec", "crypto", "dav1d", "drm", "freetype",
    "harfbuzz", "jpeg", "lcms2", "lzma", "opencore-amrnb", "opencore-amrwb", "openblasp-r0", "openjp2", "opus",
    "png16", "scipy_openblas", "scipy_openblas64_", "sharpyuv", "ssl", "tiff", "vpl", "vpx", "webp", "webpdemux",
    "webpmux", "xcb", "xcb-shape", "xcb-shm", "xcb-xfixes", "z", "zstd", "cudart", "nvjpeg",
}  # fmt: skip
"""Shared libraries that ask for their notice alone, which the wheels hold, or NVIDIA's, as the packages above."""

PERMISSIVE = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
        "ISC",
    }
    | {"MIT", "MIT-CMU", "PSF-2.0", "Zlib"}
)
"""Licenses that ask for their notice alone."""


@dataclass(frozen=True)
class Row:
    """A package. direct: pyproject.toml names it. holds: what in its Linux wheel asks for more than a notice."""

    name: str
    version: str
    license: str
    holds: str = ""
    direct: bool = False

    def line(self) -> str:
        """The row of a Markdown table."""
        return (
            f"| {f'**{self.name}**' if self.direct else self.name} | {self.version} | {self.license} | {self.holds} |"
        )

    @staticmethod
    def of(line: str) -> Row:
        """The row that a line of the page holds."""
        name, version, license, holds = (cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|"))
        direct = name.startswith("**")
        return Row(name[2:-2] if direct else name, version, license, holds, direct)


def groups(project: dict[str, Any]) -> dict[str, tuple[list[str], list[str]]]:
    """Of the base install and each extra: its requirements, and the names of the groups that it builds on."""
    found: dict[str, tuple[list[str], list[str]]] = {"base": (project["dependencies"], [])}
    for extra, texts in project["optional-dependencies"].items():
        own = [text for text in texts if Requirement(text).name != OWN]
        others = [name for text in texts for name in Requirement(text).extras if Requirement(text).name == OWN]
        if extra != "all":
            found[extra] = (own, ["base", *sorted(others)])
    return found


def rows(group: str, project: dict[str, Any]) -> list[Row]:
    """The group's packages as installed here, without those of the groups that it builds on.

    Raises PackageNotFoundError where one that pyproject.toml names is not installed.
    """
    texts, others = groups(project)[group]
    direct = {canonicalize_name(Requirement(text).name) for text in texts}
    for name in direct:
        distribution(name)
    known = set[str]()
    for other in others:
        known |= closure(groups(project)[other][0])
    found = {_row(name, direct=name in direct) for name in direct | closure(texts) - known}
    return sorted(found, key=lambda row: (not row.direct, row.name))


def closure(texts: Iterable[str]) -> set[str]:
    """The names of all installed packages that these requirements ask for, and those in turn."""
    found: dict[str, set[str]] = {}
    queue = [(text, "") for text in texts]
    for text, extra in queue:  # which grows while it is gone through
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(wanted.name)
        try:
            requires = distribution(name).requires or []
        except PackageNotFoundError:  # for other systems, or not installed in an environment of somebody else's making
            continue
        new = {"", *wanted.extras} - found.setdefault(name, set())
        found[name] |= new
        queue += [(one, extra) for one in requires for extra in new]
    return set(found)


def _row(name: str, *, direct: bool) -> Row:
    if name.startswith(("nvidia-", "cuda-")):
        return Row(NVIDIA, "", "NVIDIA's own terms; cuda-bindings, cuda-pathfinder, nvidia-nvtx: Apache-2.0")
    package = distribution(name)
    return Row(name, package.version, license_of(package), "; ".join(bundled(package)), direct)


def license_of(package: Distribution) -> str:
    """The SPDX expression of the package's license; empty where its metadata says none that is known."""
    name, told = canonicalize_name(package.name), package.metadata
    if name in STATED:
        return STATED[name]
    if "License-Expression" in told:
        return told["License-Expression"]
    words = [one.split(" :: ")[-1] for one in told.get_all("Classifier") or [] if one.startswith("License ::")]
    text = told["License"].strip() if "License" in told else ""
    first = text.splitlines()[0].strip() if text else ""
    if re.fullmatch(r"[A-Za-z0-9.+-]+(?: (?:AND|OR|WITH) [A-Za-z0-9.+-]+)*", text) and text not in SPDX:
        return text
    return next((SPDX[word] for word in (text, first, *words) if word in SPDX), "")


def bundled(package: Distribution) -> list[str]:
    """The shared libraries in the package whose license asks for more than a notice, as "name (license)"."""
    found = {LIBRARIES[stem] for stem in stems(package, anywhere=True) if stem in LIBRARIES}
    texts = sorted(f"{name} ({license})" for name, license in found)
    name = canonicalize_name(package.name)
    return [f"FFmpeg ({FFMPEG[name]})", *texts] if name in FFMPEG else texts


def stems(package: Distribution, *, anywhere: bool = False) -> Iterator[str]:
    """The names of the shared libraries, "x264", that were put beside the package, or anywhere in its wheel."""
    for file in package.files or []:
        if (anywhere or file.parts[0].endswith(".libs")) and (match := re.fullmatch(LIBRARY, file.name)):
            yield match[1]


def marks(group: str) -> tuple[str, str]:
    """What stands before and after the group's table in the page."""
    return f"<!-- licenses: {group} -->\n", f"<!-- /licenses: {group} -->"


def table(text: str, group: str) -> list[Row]:
    """The rows of the group's table in the page. Raises ValueError where the page has no such table."""
    first, last = marks(group)
    lines = text[text.index(first) + len(first) : text.index(last)].strip().splitlines()
    return [Row.of(line) for line in lines[2:]]


def filled(text: str, group: str, found: list[Row]) -> str:
    """The page with these rows as the group's table."""
    first, last = marks(group)
    head = "| package | version | license | its Linux wheel also holds |\n|---|---|---|---|\n"
    body = "".join(f"{row.line()}\n" for row in found)
    return f"{text[: text.index(first)]}{first}{head}{body}{text[text.index(last) :]}"


def main() -> int:
    """The exit code."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text, unknown = PAGE.read_text(encoding="utf-8"), set[str]()
    for group in groups(project):
        try:
            found = rows(group, project)
        except PackageNotFoundError as error:
            print(f"{group}: left as it is, {error.name} is not installed", file=sys.stderr)
            continue
        unknown |= {f"{row.name}: its license" for row in found if not row.license}
        for row in found:
            strange = set(stems(distribution(row.name))) - LIBRARIES.keys() - PLAIN if row.name != NVIDIA else set()
            unknown |= {f"{row.name}: lib{stem}" for stem in strange if not re.match("av|sw", stem)}
        text = filled(text, group, found)
    PAGE.write_text(text, encoding="utf-8")
    for one in sorted(unknown):
        print(f"unknown: {one}", file=sys.stderr)
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
