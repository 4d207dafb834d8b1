"""A page to look through after a run: the doubtful results first, each photo beside its result.

Result   what became of a file (ledger.py); its confidence is the Dice to be expected of its mask, 0..1
page     one HTML file that needs no other, and opens from a disk
"""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from standout import images
from standout.batch.ledger import Result
from standout.batch.naming import is_clip
from standout.batch.previews import side_by_side
from standout.errors import OutputError, StandoutError
from standout.support.atomic import write_atomic
from standout.support.html import figure, page
from standout.support.pipeline import in_order
from standout.support.system import cores
from standout.types import Photo

SIDE = 400
"""Pixels of each picture on the page."""

MOST = 200
"""Results shown on the page: with more, it would take long to open, and nobody would look through it."""

MOST_FAILED = 100
"""Failed files named on the page."""

TITLE = "Review of "
"""How the title of every such page begins, by which an earlier one is known."""

BANDS = ((0.7, "likely wrong"), (0.9, "worth a look"), (1.01, "likely right"))
"""Confidence below which results are counted in a band, and what the page calls it."""


def check(path: Path) -> None:
    """Raises OutputError where a page must not be written at path, before the run that it is about."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise OutputError(f"--review {path} is no name of a page; give one that ends in .html")
    if path.exists() and not _is_page(path):
        raise OutputError(f"--review {path} exists and is no earlier review, so it is kept; give another name")


def _is_page(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return f"<title>{TITLE}".encode() in file.read(1000)
    except OSError:
        return False


def write(path: Path, results: Sequence[Result], *, max_pixels: int | None = None) -> None:
    """Writes the page about the results, in place of an earlier page at path, whole or not at all.

    max_pixels: larger pictures are not shown; None = no limit. Raises OutputError when it cannot be written.
    """
    check(path)
    write_atomic(path, to_page(results, beside=path.absolute().parent, max_pixels=max_pixels), overwrite=True)


def to_page(results: Sequence[Result], *, beside: Path, max_pixels: int | None = None) -> bytes:
    """The page as HTML. beside: the folder in which it will lie, from which its links lead. max_pixels: see write."""
    done = sorted((one for one in results if one.status == "done"), key=doubt)
    failed = [one for one in results if one.status == "failed"]
    parts = [f"<p>{html.escape(line)}</p>" for line in _summed(results)]
    parts += [f'<p class="error">{html.escape(_reason(one))}</p>' for one in failed[:MOST_FAILED]]
    if len(failed) > MOST_FAILED:
        parts.append(f'<p class="error">and {len(failed) - MOST_FAILED:,} more that failed</p>')

    def shown(one: Result) -> str:
        return _shown(one, beside, max_pixels)

    parts += in_order(done[:MOST], shown, workers=min(cores(), 8))
    return page(f"{TITLE}{len(done):,} results", "".join(parts))


def doubt(result: Result) -> tuple[float, str]:
    """The key that sorts results by doubt: the least confidence first, and those that nobody judged last."""
    known = result.least_confidence if result.least_confidence is not None else result.confidence
    return 2.0 if known is None else known, str(result.source)


def _summed(results: Sequence[Result]) -> list[str]:
    """What the page shows, in sentences."""
    done = [one for one in results if one.status == "done"]
    judged = [one.confidence for one in done if one.confidence is not None]
    lines = []
    if judged:
        counts, low = [], 0.0
        for high, name in BANDS:
            counts.append(f"{sum(low <= one < high for one in judged):,} {name} (confidence {_band(low, high)})")
            low = high
        lines.append(f"{', '.join(counts)}. The confidence is the Dice overlap to be expected between a mask and a "
                     "correct one: 1 is perfect. The most doubtful come first.")  # fmt: skip
    if len(done) > len(judged):
        lines.append(f"{len(done) - len(judged):,} could not be judged: their masks are not from a model that can.")
    if len(done) > MOST:
        lines.append(f"The {MOST} most doubtful are shown, of {len(done):,}.")
    if kept := sum(one.status == "kept" for one in results):
        lines.append(f"{kept:,} were there already and are not shown; --overwrite makes and judges them anew.")
    return lines or ["No result was made."]


def _band(low: float, high: float) -> str:
    """A range of confidence in words.

    >>> _band(0.0, 0.7), _band(0.7, 0.9), _band(0.9, 1.01)
    ('below 0.7', '0.7 to 0.9', 'from 0.9')
    """
    if low == 0:
        return f"below {high:g}"
    return f"{low:g} to {high:g}" if high <= 1 else f"from {low:g}"


def _reason(one: Result) -> str:
    reason = one.error or "unknown"
    return reason if str(one.source) in reason else f"{one.source}: {reason}"


def _caption(one: Result) -> str:
    """What is said about a result.

    >>> one = Result(Path("a.jpg"), None, "done", person_share=0.25, confidence=0.625, nobody=0.2)
    >>> _caption(one)
    'confidence 0.62, a.jpg, 25.0% person, nobody there: 20%'
    """
    parts = [] if one.confidence is None else [f"confidence {one.confidence:.2f}"]
    parts += [] if one.least_confidence is None else [f"at worst {one.least_confidence:.2f}"]
    parts.append(str(one.source))
    parts += [] if one.person_share is None else [f"{one.person_share:.1%} person"]
    parts += [f"nobody there: {one.nobody:.0%}"] if one.nobody is not None and one.nobody >= 0.1 else []
    return ", ".join([*parts, *one.warnings])


def _shown(one: Result, beside: Path, max_pixels: int | None) -> str:
    """The photo and its result, or why they cannot be shown, as HTML."""
    caption = _caption(one)
    link = "" if one.target is None else _link(one.target, beside)
    if is_clip(one.source) or one.target is None:
        named = f'<a href="{link}">{html.escape(caption)}</a>' if link else html.escape(caption)
        return f"<p>clip: {named}</p>"
    try:
        before: Photo = images.read(one.source, max_pixels=max_pixels)
        after = images.read(one.target, max_pixels=max_pixels)
    except StandoutError as error:
        return f'<p class="error">{html.escape(f"{caption}: {error}")}</p>'
    picture = side_by_side(before, after, side=SIDE)
    return figure(picture, caption, alt=f"{one.source.name} and its result", link=link)


def _link(target: Path, beside: Path) -> str:
    """The address of a file from a page in the folder beside.

    >>> _link(Path("/a/out/b c.png"), Path("/a/pages"))
    '../out/b%20c.png'
    """
    try:
        relative = Path(os.path.relpath(target.absolute(), beside))
    except ValueError:  # another drive
        return target.absolute().as_uri()
    return quote(os.fsencode(relative.as_posix()))
