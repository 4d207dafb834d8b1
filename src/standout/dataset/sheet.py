"""Contact sheets: photo, mask and overlay side by side, as one picture or one HTML page that needs no other file.

tile   uint8 (HEIGHT, 3 * HEIGHT, 3)   RGB
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from standout.dataset.check import Finding, Report
from standout.dataset.pairs import IGNORE, Bytes, Pair, read_image, read_pair
from standout.errors import InputError
from standout.files import write_atomic

HEIGHT = 180
SHOWN_EACH = 12
"""Findings of a kind that a report draws; it names all."""

STYLE = """body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1180px; padding: 0 1rem;
  background: #fff; color: #222 }
h2 { margin-top: 2rem } .error { color: #b00020 } .warning { color: #9a5b00 } .note { color: #555 }
figure { display: inline-block; margin: 0 .6rem .9rem 0 } figcaption { font-size: 12px; max-width: 540px;
  overflow-wrap: anywhere } img { display: block; border: 1px solid #ccc } table { border-collapse: collapse }
td, th { padding: .15rem .8rem .15rem 0; text-align: left } details { margin: .4rem 0 }
@media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd } .error { color: #ff8a80 }
  .warning { color: #ffb74d } .note { color: #aaa } }"""


def tile(pair: Pair) -> Bytes:
    """The pair's photo, its mask (blue where it does not count), and the photo with the background dimmed to green."""
    try:
        image, mask = read_pair(pair)
    except InputError:
        return _photo_alone(pair)
    grey = np.dstack([mask] * 3)
    grey[mask == IGNORE] = (70, 110, 200)
    alpha = np.where(mask == IGNORE, 128, mask).astype(np.float32)[..., None] / 255
    tint = 0.35 * image + 0.65 * np.array([40, 160, 90], np.float32)
    overlay = (alpha * image + (1 - alpha) * tint).astype(np.uint8)
    return np.hstack([_boxed(plane) for plane in (image, grey, overlay)])


def _photo_alone(pair: Pair) -> Bytes:
    """What can be shown of a pair that does not go together."""
    blank = np.zeros((HEIGHT, HEIGHT, 3), np.uint8)
    planes = []
    for path in (pair.image, pair.mask):
        try:
            planes.append(_boxed(read_image(path)) if isinstance(path, Path) else blank)
        except InputError:
            planes.append(blank)
    return np.hstack([*planes, blank])


def _boxed(image: Bytes) -> Bytes:
    """The image scaled into a square of HEIGHT, on grey."""
    height, width = image.shape[:2]
    scale = HEIGHT / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    box = np.full((HEIGHT, HEIGHT, 3), 90, np.uint8)
    top, left = (HEIGHT - size[1]) // 2, (HEIGHT - size[0]) // 2
    box[top : top + size[1], left : left + size[0]] = small
    return box


def write_sheet(pairs: Sequence[Pair], path: Path, *, title: str, overwrite: bool = False) -> None:
    """Writes the pairs' tiles as .html, .png or .jpg.

    Raises InputError for another suffix, OutputError when path exists and overwrite is not set.
    """
    if path.suffix.lower() == ".html":
        body = "".join(
            _figure(tile(pair), f"{pair.name} ({pair.source}{', ' + pair.split if pair.split else ''})")
            for pair in pairs
        )
        write_atomic(path, _page(title, body), overwrite=overwrite)
    elif path.suffix.lower() in (".png", ".jpg", ".jpeg"):
        tiles = [_captioned(tile(pair), pair.name) for pair in pairs]
        tiles += [np.zeros_like(tiles[0])] * (len(tiles) % 2)
        picture = np.vstack([np.hstack(tiles[i : i + 2]) for i in range(0, len(tiles), 2)])
        data = cv2.imencode(path.suffix, picture[..., ::-1])[1]
        write_atomic(path, bytes(data), overwrite=overwrite)
    else:
        raise InputError(f"{path}: a contact sheet is .html, .png or .jpg")


def _captioned(picture: Bytes, text: str) -> Bytes:
    strip = np.zeros((20, picture.shape[1], 3), np.uint8)
    cv2.putText(strip, text[:70], (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (255, 255, 255), 1, cv2.LINE_AA)
    return np.vstack([picture, strip])


def write_report(report: Report, path: Path, *, title: str, overwrite: bool = False) -> None:
    """Writes the findings as one HTML page, with pictures of the first of each kind.

    Raises OutputError when path exists and overwrite is not set.
    """
    parts = [f"<p>{len(report.pairs)} pairs.</p>"]
    if not report.findings:
        parts.append("<p>Nothing found.</p>")
    for kind in report.counts():
        parts.append(_section([finding for finding in report.findings if finding.kind == kind]))
    write_atomic(path, _page(title, "".join(parts)), overwrite=overwrite)


def _section(findings: list[Finding]) -> str:
    first = findings[0]
    lines = [
        f'<h2 class="{first.severity}">{first.kind}: {len(findings)} ({first.severity})</h2>',
        f"<p>{html.escape(first.cure[0].upper() + first.cure[1:])}.</p>",
    ]
    for finding in findings[:SHOWN_EACH]:
        for pair in finding.pairs[:4]:
            lines.append(_figure(tile(pair), f"{pair.name} {finding.detail}"))
        if len(finding.pairs) > 1:
            lines.append("<hr>")
    rows = "".join(
        f"<tr><td>{html.escape(' = '.join(map(str, finding.paths)))}</td><td>{html.escape(finding.detail)}</td></tr>"
        for finding in findings
    )
    return "".join([*lines, f"<details><summary>all {len(findings)}</summary><table>{rows}</table></details>"])


def _figure(picture: Bytes, caption: str) -> str:
    data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])[1]
    text = base64.b64encode(bytes(data)).decode()
    alt = html.escape(caption)
    return (
        f'<figure><img width="{picture.shape[1]}" height="{picture.shape[0]}" alt="photo, mask and overlay of {alt}" '
        f'src="data:image/jpeg;base64,{text}"><figcaption>{alt}</figcaption></figure>'
    )


def _page(title: str, body: str) -> bytes:
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title>'
    )
    page = f'<!doctype html><html lang="en"><head>{head}<style>{STYLE}</style></head>'
    return f"{page}<body><h1>{html.escape(title)}</h1>{body}</body></html>".encode()
