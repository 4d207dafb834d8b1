"""Finds what is wrong with a folder of photos and masks before hours of training are spent on it.

    finding   Finding   a kind of trouble, and the photos that have it

To add a check of single masks: a function in CHECKS, and its kind in KINDS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from standout.data import split as splitting
from standout.data.coco import BadAnnotation
from standout.data.duplicates import Look, groups, look_at
from standout.data.layouts import look, split_file
from standout.data.pairs import IGNORE, Pair, SizesDiffer, read_image, read_label
from standout.errors import InputError, UnclearMask
from standout.images.mask_values import flat_levels
from standout.support.system import cores
from standout.types import Bytes

KINDS: dict[str, tuple[str, str]] = {
    "unreadable": ("error", "replace the file, or remove the photo and its mask"),
    "orphan": ("error", "add the missing photo or mask under the same name, or remove the file"),
    "levels": ("error", "save person as 255 and background as 0, or say in classes.csv which value is person"),
    "annotation": ("error", "draw the outline anew, or remove the annotation"),
    "size": ("error", "give photo and mask the same size; turn a mask that lies on its side as the photo's EXIF says"),
    "leak": (
        "error",
        "the same picture is in two parts, so scores would be wrong; use standout data split --mend-leaks",
    ),
    "unsplit": ("error", "they are in no part; run standout data split, with --overwrite if there is a split.csv"),
    "absent": ("warning", "add the photos if you want them to be used; the others are used without them"),
    "boxes": ("warning", "draw an outline where there is only a box; until then the box does not count"),
    "inverted": ("warning", "person and background seem to be swapped; if they are, save 255 - mask"),
    "flat": ("warning", "the mask has flat areas of levels other than 0, 128 and 255; save them as 255 or 0"),
    "duplicate": ("warning", "near-duplicates in the same part count twice; keep one photo of each group"),
    "zero-one": ("note", "the mask holds the levels 0 and 1, which are read as 0 and 255"),
    "read-as": ("note", "the mask is not gray; check that it is read as you mean it"),
    "empty": ("note", "the mask shows nobody; such photos help against false alarms if it is true"),
    "unclear": ("note", "most of the photo does not count (level 128)"),
}
"""Kind of finding -> how severe it is, and what to do about it."""


@dataclass(frozen=True)
class Finding:
    """A kind of trouble with one pair, or with a group of near-duplicates.

    kind: a key of KINDS. paths: the files concerned. pairs: the pairs concerned, as far as they could be paired.
    """

    kind: str
    paths: tuple[Path, ...]
    detail: str = ""
    pairs: tuple[Pair, ...] = field(default=(), compare=False)

    @property
    def severity(self) -> str:
        """How severe it is: "error", "warning" or "note"."""
        return KINDS[self.kind][0]

    @property
    def cure(self) -> str:
        """What to do about it."""
        return KINDS[self.kind][1]


@dataclass(frozen=True)
class DataReport:
    """The pairs of a folder, and all findings about them, errors first."""

    pairs: list[Pair]
    findings: list[Finding]

    @property
    def broken(self) -> bool:
        """Whether there is an error among the findings."""
        return any(finding.severity == "error" for finding in self.findings)

    def counts(self) -> dict[str, int]:
        """The number of findings of each kind, most severe kind first."""
        return {kind: n for kind in KINDS if (n := sum(f.kind == kind for f in self.findings))}


def check(folder: Path, *, tick: Callable[[], None] = lambda: None) -> DataReport:
    """The findings about every photo and mask below folder; several are read at once.

    tick: called after each pair. Raises InputError when no layout applies, and when a file that names parts or classes
    cannot be understood.
    """
    there = look(folder)
    recorded = splitting.load(split_file(folder))
    pairs = splitting.with_parts(there.pairs, recorded)

    def examine(pair: Pair) -> tuple[list[Finding], Look | None]:
        found = _examine(pair)
        tick()
        return found

    with ThreadPoolExecutor(cores()) as pool:
        examined = list(pool.map(examine, pairs))
    findings = [Finding("orphan", (path,)) for path in there.orphans]
    findings += [Finding("absent", (Path(name),)) for name in there.absent]
    findings += [Finding("unsplit", (pair.image,), pairs=(pair,)) for pair in _unsplit(pairs, recorded)]
    findings += [finding for found, _ in examined for finding in found]
    seen = [(pair, sight) for pair, (_, sight) in zip(pairs, examined, strict=True) if sight is not None]
    for members in groups([sight for _, sight in seen]):
        alike = tuple(seen[i][0] for i in members)
        parts = sorted({pair.split for pair in alike})
        kind = "leak" if len(parts) > 1 else "duplicate"
        findings.append(Finding(kind, tuple(pair.image for pair in alike), " and ".join(filter(None, parts)), alike))
    order = list(KINDS)
    return DataReport(pairs, sorted(findings, key=lambda finding: (order.index(finding.kind), finding.paths)))


def _unsplit(pairs: Sequence[Pair], recorded: Mapping[str, str]) -> Sequence[Pair]:
    """The pairs that belong to no part although other pairs do."""
    if recorded:
        return splitting.lacking(pairs, recorded)
    without = [pair for pair in pairs if not pair.split]
    return without if len(without) < len(pairs) else []


def _examine(pair: Pair) -> tuple[list[Finding], Look | None]:
    """The findings about a pair, and its photo's look for the search of near-duplicates; None if it is unreadable."""
    try:
        image = read_image(pair.image)
    except InputError as error:
        return [Finding("unreadable", (pair.image,), _reason(error, pair.image))], None
    seen, notes = look_at(image), list[str]()
    where = pair.mask_file or pair.image
    try:
        mask = read_label(pair, image.shape[:2], notes=notes)
    except InputError as error:
        kinds = {UnclearMask: "levels", SizesDiffer: "size", BadAnnotation: "annotation"}
        kind = kinds.get(type(error), "unreadable")
        detail = str(error).split(", its mask ")[-1] if kind == "size" else _reason(error, where)
        return [Finding(kind, (where,), detail, (pair,))], seen
    details = {kind: tell(mask) for kind, tell in CHECKS.items()}
    told = {_kind(note): note for note in notes} | {kind: text for kind, text in details.items() if text is not None}
    return [Finding(kind, (pair.image,), text, (pair,)) for kind, text in told.items()], seen


def _kind(note: str) -> str:
    """The kind of finding that a note from reading a mask belongs to."""
    return "zero-one" if "levels 0 and 1" in note else "boxes" if "box" in note else "read-as"


def _reason(error: InputError, path: Path) -> str:
    """What an error says is wrong with a file, without the file's name."""
    return str(error).removeprefix(f"{path} ").removeprefix(f"{path}: ")


def _inverted(mask: Bytes) -> str | None:
    """Details if nearly the whole frame is person and the middle is not: nobody stands like that."""
    person = mask > 127
    height, width = person.shape
    frame = np.concatenate([person[0], person[: height // 2, 0], person[: height // 2, -1]])
    middle = person[height // 4 : height * 3 // 4, width // 4 : width * 3 // 4]
    if frame.mean() > 0.85 and middle.mean() < frame.mean() - 0.35:
        return f"{frame.mean():.0%} of the frame is person, {middle.mean():.0%} of the middle"
    return None


def _flat(mask: Bytes) -> str | None:
    """The levels of flat areas that are neither person nor background nor uncounted."""
    odd = [
        f"{level} ({count / mask.size:.1%})"
        for level, count in flat_levels(mask).items()
        if level not in (0, IGNORE, 255) and count > 0.001 * mask.size and 8 < level < 247
    ]
    return "levels " + ", ".join(odd[:4]) if odd else None


def _empty(mask: Bytes) -> str | None:
    """An empty text if the mask shows nobody."""
    return "" if not (mask > 0).any() else None


def _unclear(mask: Bytes) -> str | None:
    """The share of the photo that does not count, if it is more than half."""
    share = float((mask == IGNORE).mean())
    return f"{share:.0%}" if share > 0.5 else None


CHECKS: dict[str, Callable[[Bytes], str | None]] = {
    "inverted": _inverted,
    "flat": _flat,
    "empty": _empty,
    "unclear": _unclear,
}
"""Kind of finding -> a function that takes a mask as training sees it and returns details, or None if all is well."""


def parts(pairs: Sequence[Pair]) -> dict[str, dict[str, int]]:
    """Source -> part -> number of photos; "-" stands for photos that belong to no part."""
    table: dict[str, dict[str, int]] = {}
    for pair in pairs:
        row = table.setdefault(pair.source, {})
        row[pair.split or "-"] = row.get(pair.split or "-", 0) + 1
    return dict(sorted(table.items()))
