"""What is wrong with a folder of photos and masks, before hours are spent on it.

    finding   Finding   one kind of trouble with the photos that have it

To add a check of one pair: a function in CHECKS.
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
    "unreadable": ("error", "replace the file, or remove it and its other half"),
    "orphan": ("error", "give it its other half of the same name, or remove it"),
    "levels": ("error", "save person as 255, background as 0; or say in classes.csv which value is person"),
    "annotation": ("error", "draw the outline anew, or remove the annotation"),
    "size": ("error", "make photo and mask of one size; a mask on its side is to be turned as the photo's EXIF says"),
    "leak": ("error", "the same picture is in two parts: scores would lie; run standout data split --mend-leaks"),
    "unsplit": ("error", "they are in no part; run standout data split, with --overwrite if split.csv is there"),
    "absent": ("warning", "get the photos, if you want them; the others are used"),
    "boxes": ("warning", "draw an outline where there is only a box: until then the box does not count"),
    "inverted": ("warning", "person and background look swapped: look at them, and save 255 - mask"),
    "flat": ("warning", "the mask has flat areas of levels other than 0, 128 and 255: say what they mean, 255 or 0"),
    "duplicate": ("warning", "near-duplicates in one part weigh double; keep one of each group"),
    "zero-one": ("note", "the mask holds 0 and 1; it is read as 0 and 255"),
    "read-as": ("note", "the mask is not gray; make sure that it is read right"),
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

    Raises InputError when no layout applies, or a file that says the parts or classes cannot be understood.
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
    return Report(pairs, sorted(findings, key=lambda finding: (order.index(finding.kind), finding.paths)))


def _unsplit(pairs: Sequence[Pair], recorded: Mapping[str, str]) -> Sequence[Pair]:
    """The pairs without a part, where others have one."""
    if recorded:
        return splitting.lacking(pairs, recorded)
    without = [pair for pair in pairs if not pair.split]
    return without if len(without) < len(pairs) else []


def _examine(pair: Pair) -> tuple[list[Finding], Look | None]:
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
    """The kind of finding that a note on reading a mask is."""
    return "zero-one" if "levels 0 and 1" in note else "boxes" if "box" in note else "read-as"


def _reason(error: InputError, path: Path) -> str:
    """What is wrong with a file, without its name."""
    return str(error).removeprefix(f"{path} ").removeprefix(f"{path}: ")


def _inverted(mask: Bytes) -> str | None:
    """Person along nearly the whole frame but not in the middle: nobody stands so."""
    person = mask > 127
    height, width = person.shape
    frame = np.concatenate([person[0], person[: height // 2, 0], person[: height // 2, -1]])
    middle = person[height // 4 : height * 3 // 4, width // 4 : width * 3 // 4]
    if frame.mean() > 0.85 and middle.mean() < frame.mean() - 0.35:
        return f"{frame.mean():.0%} of the frame is person, {middle.mean():.0%} of the middle"
    return None


def _flat(mask: Bytes) -> str | None:
    odd = [
        f"{level} ({count / mask.size:.1%})"
        for level, count in flat_levels(mask).items()
        if level not in (0, IGNORE, 255) and count > 0.001 * mask.size and 8 < level < 247
    ]
    return "levels " + ", ".join(odd[:4]) if odd else None


def _empty(mask: Bytes) -> str | None:
    return "" if not (mask > 0).any() else None


def _unclear(mask: Bytes) -> str | None:
    share = float((mask == IGNORE).mean())
    return f"{share:.0%}" if share > 0.5 else None


CHECKS: dict[str, Callable[[Bytes], str | None]] = {
    "inverted": _inverted,
    "flat": _flat,
    "empty": _empty,
    "unclear": _unclear,
}
"""Mask as training sees it -> details, or None where all is well."""


def parts(pairs: Sequence[Pair]) -> dict[str, dict[str, int]]:
    """How many photos there are, by source and part."""
    table: dict[str, dict[str, int]] = {}
    for pair in pairs:
        row = table.setdefault(pair.source, {})
        row[pair.split or "-"] = row.get(pair.split or "-", 0) + 1
    return dict(sorted(table.items()))
