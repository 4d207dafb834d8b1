"""DAVIS: frames of clips, and masks in which each object has its own number.

    JPEGImages/480p/CLIP/00000.jpg       frames
    Annotations/480p/CLIP/00000.png      palette indexes: 0 background, 1..n objects; or Annotations_unsupervised/
    davis_semantics.json                 {CLIP: {"1": "person", "2": "bicycle"}}
    ImageSets/2017/train.txt, val.txt    the clips of each part, if the files are there

Pont-Tuset et al., "The 2017 DAVIS Challenge on Video Object Segmentation" (arXiv 1704.00675). The masks hold the main
objects of a clip, so only clips are read in which a person is one of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from standout import images
from standout.data.classes import PEOPLE
from standout.data.pairs import Pair
from standout.data.tables import part_of, read_text
from standout.errors import InputError
from standout.images import Classes
from standout.types import Bytes

MASKS = ("Annotations", "Annotations_unsupervised")
"""The folders that may hold the masks; the first that is there does."""

SEMANTICS = "davis_semantics.json"
"""The file that says what each object of a clip is."""

BACKGROUND, VOID = 0, 255
"""Two indexes that are no object; void does not count."""


@dataclass(frozen=True)
class ObjectMask:
    """The mask of a frame in which each object has its own number.

    people, others: the numbers of the objects that are people, and of those that are not. where: the file that says so.
    """

    path: Path
    people: frozenset[int]
    others: frozenset[int]
    where: str = SEMANTICS

    def read(self, notes: list[str] | None = None) -> Bytes:
        """The mask, uint8 (H, W): 255 is person, 128 does not count, 0 is background.

        Raises InputError as images.read_mask does, and when the mask holds an object that `where` does not name.
        """
        void = frozenset({VOID})
        named = self.people | self.others | {BACKGROUND}
        if not images.read_mask(self.path, classes=Classes(named, void, where=self.where)).all():
            raise InputError(
                f"{self.path} holds an object that {self.where} does not name; it names "
                f"{', '.join(map(str, sorted(self.people | self.others)))}; take both from the same release of DAVIS"
            )
        classes = Classes(self.people, void, self.others | {BACKGROUND}, where=self.where)
        return images.read_mask(self.path, classes=classes, notes=notes)

    def identity(self) -> bytes:
        """The file's bytes and the numbers of the people."""
        return self.path.read_bytes() + repr(sorted(self.people)).encode()


def read_clips(folder: Path) -> tuple[list[Pair], list[Path]] | None:
    """The frames of the clips that show people, and the masks without a photo; None where this is not DAVIS.

    A pair's source is its clip, and its name CLIP_FRAME. Raises InputError when nothing says which objects are people.
    """
    masks = next((folder / name for name in MASKS if any((folder / name).glob("*/*/*.png"))), None)
    if masks is None or not (folder / "JPEGImages").is_dir():
        return None
    sizes = sorted(one.name for one in masks.iterdir() if one.is_dir())
    size = "480p" if "480p" in sizes else sizes[0]
    objects, parts = _objects(folder / SEMANTICS), _parts(folder / "ImageSets" / "2017")
    pairs, orphans = [], []
    for clip in sorted(one for one in (masks / size).iterdir() if one.is_dir()):
        kinds = objects.get(clip.name)
        if kinds is None:
            raise InputError(f"{folder / SEMANTICS} does not name the clip {clip.name}, of which {clip} holds masks")
        people = frozenset(number for number, kind in kinds.items() if kind.casefold() in PEOPLE)
        others = frozenset(kinds) - people
        for mask in sorted(clip.glob("*.png")) if people else []:
            photo = folder / "JPEGImages" / size / clip.name / f"{mask.stem}.jpg"
            label = ObjectMask(mask, people, others)
            title = f"{clip.name}_{mask.stem}"
            if photo.is_file():
                pairs.append(Pair(photo, label, clip.name, parts.get(clip.name, ""), title=title))
            else:
                orphans.append(mask)
    return pairs, orphans


def _objects(path: Path) -> dict[str, dict[int, str]]:
    """Clip -> number of an object -> what it is. Raises InputError when the file is missing or does not say so."""
    if not path.is_file():
        raise InputError(
            f"{path} does not exist, so nothing says which objects are people; put it there: DAVIS 2017 offers it as a "
            "download of its own, the semantics"
        )
    try:
        found = json.loads(read_text(path))
        return {clip: {int(number): str(kind) for number, kind in kinds.items()} for clip, kinds in found.items()}
    except (ValueError, AttributeError) as error:
        raise InputError(
            f"{path} does not say what the objects are ({error!r}); wanted clips with numbers and names, as in "
            '{"surf": {"2": "person"}}; download it again'
        ) from None


def _parts(lists: Path) -> dict[str, str]:
    """Clip -> part, as the lists in the folder say; empty where there are none."""
    parts: dict[str, str] = {}
    for file in sorted(lists.glob("*.txt")):
        if part := part_of(file.stem):
            parts |= dict.fromkeys(read_text(file).split(), part)
    return parts
