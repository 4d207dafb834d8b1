"""What is wrong with a folder of photos and masks, before hours are spent on it.

    finding   Finding   one kind of trouble with the photos that have it

To add a check of one pair: a function in CHECKS. It gets the mask as it is stored (grey levels), so that what
read_mask mends is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from standout.dataset.duplicates import Look, groups, look_at
from standout.dataset.layouts import look
from standout.dataset.pairs import IGNORE, Bytes, Pair, read_image, read_pair
from standout.errors import InputError
from standout.system import cores

KINDS: dict[str, tuple[str, str]] = {
    "unreadable": ("error", "replace the file, or remove it and its other half"),
    "orphan": ("error", "give it its other half of the same name, or remove it"),
    "size": ("error", "make photo and mask of one size; a mask on its side is to be turned as the photo's EXIF says"),
    "leak": ("error", "the same picture is in two parts: scores would lie; run standout data split"),
    "inverted": ("warning", "person and background look swapped: look at them, and save 255 - mask"),
    "levels": ("warning", "the mask has flat areas of levels other than 0, 128 and 255: say what they mean, 255 or 0"),
    "duplicate": ("warning", "near-duplicates in one part weigh double; keep one of each group"),
    "zero-one": ("note", "the mask holds 0 and 1; it is read as 0 and 255"),
    "empty": ("note", "nobody in the mask: good against false alarms, if it is true"),
    "unclear": ("note", "most of the photo does not count (level 128)"),
}
"""Each kind of finding: how bad it is, and what to do."""


@dataclass(frozen=True)
class Finding:
    """A kind of trouble at some place: the pairs that have it (a group for duplicates), and details."""

    kind: str
    paths: tuple[Path, ...]
    detail: str = ""
    pairs: tuple[Pair, ...] = field(default=(), compare=False)

    @property
    def severity(self) -> str:
        """error, warning or note."""
        return KINDS[self.kind][0]

    @property
    def cure(self) -> str:
        """What to do."""
        return KINDS[self.kind][1]


@dataclass(frozen=True)
class Report:
    """All findings about some pairs, errors first."""

    pairs: list[Pair]
    findings: list[Finding]

    @property
    def broken(self) -> bool:
        """Whether there is an error among them."""
        return any(finding.severity == "error" for finding in self.findings)

    def counts(self) -> dict[str, int]:
        """Photos by kind of finding, worst first."""
        return {kind: n for kind in KINDS if (n := sum(f.kind == kind for f in self.findings))}


def check(folder: Path, *, tick: Callable[[], None] = lambda: None) -> Report:
    """Looks at every photo and mask below folder, several at once; tick is called after each pair.

    Raises InputError when no layout applies.
    """
    pairs, orphans = look(folder)

    def examine(pair: Pair) -> tuple[list[Finding], Look | None]:
        found = _examine(pair)
        tick()
        return found

    with ThreadPoolExecutor(cores()) as pool:
        examined = list(pool.map(examine, pairs))
    findings = [Finding("orphan", (path,)) for path in orphans]
    findings += [finding for found, _ in examined for finding in found]
    seen = [(pair, sight) for pair, (_, sight) in zip(pairs, examined, strict=True) if sight is not None]
    for members in groups([sight for _, sight in seen]):
        alike = tuple(seen[i][0] for i in members)
        parts = sorted({pair.split for pair in alike})
        kind = "leak" if len(parts) > 1 else "duplicate"
        findings.append(Finding(kind, tuple(pair.image for pair in alike), " and ".join(parts), alike))
    order = list(KINDS)
    return Report(pairs, sorted(findings, key=lambda finding: (order.index(finding.kind), finding.paths)))


def _examine(pair: Pair) -> tuple[list[Finding], Look | None]:
    try:
        image = read_image(pair.image)
    except InputError:
        return [Finding("unreadable", (pair.image,))], None
    seen = look_at(image)
    try:
        _, mask = read_pair(pair)
    except InputError as error:
        kind = "size" if "one size" in str(error) else "unreadable"
        where = pair.mask if isinstance(pair.mask, Path) else pair.image
        detail = str(error).split(", its mask ")[-1] if kind == "size" else ""
        return [Finding(kind, (where,), detail, (pair,))], seen
    stored = cv2.imread(str(pair.mask), cv2.IMREAD_GRAYSCALE) if isinstance(pair.mask, Path) else None
    raw = mask if stored is None or stored.shape != mask.shape else np.asarray(stored, np.uint8)
    details = {kind: tell(mask, raw) for kind, tell in CHECKS.items()}
    return [Finding(kind, (pair.image,), text, (pair,)) for kind, text in details.items() if text is not None], seen


def _inverted(mask: Bytes, raw: Bytes) -> str | None:
    """Person along nearly the whole frame but not in the middle: nobody stands so."""
    person = mask > 127
    height, width = person.shape
    frame = np.concatenate([person[0], person[: height // 2, 0], person[: height // 2, -1]])
    middle = person[height // 4 : height * 3 // 4, width // 4 : width * 3 // 4]
    if frame.mean() > 0.85 and middle.mean() < frame.mean() - 0.35:
        return f"{frame.mean():.0%} of the frame is person, {middle.mean():.0%} of the middle"
    return None


def _levels(mask: Bytes, raw: Bytes) -> str | None:
    if raw.max() == 1:
        return None
    kernel = np.ones((3, 3), np.uint8)
    flat = raw[cv2.dilate(raw, kernel) == cv2.erode(raw, kernel)]
    levels, counts = np.unique(flat, return_counts=True)
    odd = [
        f"{level} ({count / raw.size:.1%})"
        for level, count in zip(levels.tolist(), counts.tolist(), strict=True)
        if level not in (0, IGNORE, 255) and count > 0.001 * raw.size and 8 < level < 247
    ]
    return "levels " + ", ".join(odd[:4]) if odd else None


def _zero_one(mask: Bytes, raw: Bytes) -> str | None:
    return "largest level is 1" if raw.max() == 1 else None


def _empty(mask: Bytes, raw: Bytes) -> str | None:
    return "" if not (mask > 0).any() else None


def _unclear(mask: Bytes, raw: Bytes) -> str | None:
    share = float((mask == IGNORE).mean())
    return f"{share:.0%}" if share > 0.5 else None


CHECKS: dict[str, Callable[[Bytes, Bytes], str | None]] = {
    "inverted": _inverted,
    "levels": _levels,
    "zero-one": _zero_one,
    "empty": _empty,
    "unclear": _unclear,
}
"""(mask as training sees it, mask as stored) -> details, or None where all is well."""


def parts(pairs: Sequence[Pair]) -> dict[str, dict[str, int]]:
    """How many photos there are, by source and part."""
    table: dict[str, dict[str, int]] = {}
    for pair in pairs:
        row = table.setdefault(pair.source, {})
        row[pair.split or "-"] = row.get(pair.split or "-", 0) + 1
    return dict(sorted(table.items()))
