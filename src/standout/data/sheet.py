"""Contact sheets: photo, mask and overlay side by side, as a picture or as an HTML page that needs no other file.

tile   uint8 (HEIGHT, 3 * HEIGHT, 3)   RGB: the three pictures of a pair
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from standout.data.check import DataReport, Finding
from standout.data.pairs import IGNORE, Pair, read_image, read_pair
from standout.errors import InputError
from standout.support.atomic import write_atomic
from standout.support.draw import boxed, captioned, mosaic
from standout.support.html import figure, page
from standout.types import Bytes

HEIGHT = 180
"""Height of a tile in pixels."""

SHOWN_EACH = 12
"""How many findings of each kind a report shows as pictures; it names all of them."""


def tile(pair: Pair) -> Bytes:
    """The pair's photo, its mask (blue where it does not count), and the photo with its background tinted green."""
    try:
        image, mask = read_pair(pair)
    except InputError:
        return _photo_alone(pair)
    gray = np.dstack([mask] * 3)
    gray[mask == IGNORE] = (70, 110, 200)
    alpha = np.where(mask == IGNORE, 128, mask).astype(np.float32)[..., None] / 255
    tint = 0.35 * image + 0.65 * np.array([40, 160, 90], np.float32)
    overlay = (alpha * image + (1 - alpha) * tint).astype(np.uint8)
    return np.hstack([boxed(plane, HEIGHT) for plane in (image, gray, overlay)])


def _photo_alone(pair: Pair) -> Bytes:
    """The tile of a pair that cannot be read together: the photo and the mask as far as they can be read."""
    planes = []
    for path in (pair.image, pair.mask_file):
        try:
            planes.append(boxed(read_image(path), HEIGHT) if path else np.zeros((HEIGHT, HEIGHT, 3), np.uint8))
        except InputError:
            planes.append(np.zeros((HEIGHT, HEIGHT, 3), np.uint8))
    return np.hstack([*planes, np.zeros((HEIGHT, HEIGHT, 3), np.uint8)])


def write_sheet(pairs: Sequence[Pair], path: Path, *, title: str, overwrite: bool = False) -> None:
    """Writes the pairs' tiles as an .html, .png or .jpg file.

    Raises InputError when path has another suffix, OutputError when it exists and overwrite is not set.
    """
    if path.suffix.lower() == ".html":
        body = "".join(
            _figure(pair, f"{pair.name} ({pair.source}{', ' + pair.split if pair.split else ''})") for pair in pairs
        )
        write_atomic(path, page(title, body), overwrite=overwrite)
    elif path.suffix.lower() in (".png", ".jpg", ".jpeg"):
        picture = mosaic([captioned(tile(pair), pair.name) for pair in pairs], columns=2)
        data = cv2.imencode(path.suffix, picture[..., ::-1])[1]
        write_atomic(path, bytes(data), overwrite=overwrite)
    else:
        raise InputError(f"{path}: a contact sheet is an .html, .png or .jpg file; give such a name")


def write_report(report: DataReport, path: Path, *, title: str, overwrite: bool = False) -> None:
    """Writes the findings as an HTML page, with pictures of the first findings of each kind.

    Raises OutputError when path exists and overwrite is not set.
    """
    parts = [f"<p>{len(report.pairs)} pairs.</p>"]
    if not report.findings:
        parts.append("<p>Nothing found.</p>")
    for kind in report.counts():
        parts.append(_section([finding for finding in report.findings if finding.kind == kind]))
    write_atomic(path, page(title, "".join(parts)), overwrite=overwrite)


def _section(findings: list[Finding]) -> str:
    """The HTML of all findings of a kind."""
    first = findings[0]
    lines = [
        f'<h2 class="{first.severity}">{first.kind}: {len(findings)} ({first.severity})</h2>',
        f"<p>{html.escape(first.cure[0].upper() + first.cure[1:])}.</p>",
    ]
    for finding in findings[:SHOWN_EACH]:
        for pair in finding.pairs[:4]:
            lines.append(_figure(pair, f"{pair.name} {finding.detail}"))
        if len(finding.pairs) > 1:
            lines.append("<hr>")
    rows = "".join(
        f"<tr><td>{html.escape(' = '.join(map(str, finding.paths)))}</td><td>{html.escape(finding.detail)}</td></tr>"
        for finding in findings
    )
    return "".join([*lines, f"<details><summary>all {len(findings)}</summary><table>{rows}</table></details>"])


def _figure(pair: Pair, caption: str) -> str:
    return figure(tile(pair), caption, alt=f"photo, mask and overlay of {pair.name}")
