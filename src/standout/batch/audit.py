"""What is put on record about a file in which people were hidden: the field "audit" of its line in the report.

    people           how many parts were hidden, each of them a person or several who touch; None for clips
    covered          the share of the picture that is hidden, 0..1; of a clip, the mean over its frames
    faces_uncovered  faces of a photo that are not hidden; of a clip, the most that are seen in one of the frames of
                     the result that were looked at, CHECKED a second; None where the face model is not installed
    effect           the settings of the effect
    standout         the version
    model            its name and the sha256 of its file
    sha256           of the result; None for a folder of frames

To put more on record: an entry in of_photo and in of_clip.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from standout import video
from standout.editing import Edit, Edited
from standout.editing.plain import plain
from standout.errors import SetupError, UnreadableVideo
from standout.support.version import __version__
from standout.types import Image, Mask

CHECKED = Fraction(2)
"""Frames of a clip's result, a second, in which faces are looked for."""

VOICES = "keeps its sound, and voices tell who speaks: --no-sound leaves it out"

ENOUGH = 0.95
"""The share of a face's box that must be hidden."""


def of_photo(edit: Edit, edited: Edited, image: Image, *, data: bytes, model: str) -> dict[str, Any]:
    """The record of a photo. data: the result's file. model: the name of what found the people, and its fingerprint.

    Where only some people were chosen, faces of the others are none that should be hidden, so they are not looked for.
    """
    from standout.effects.hiding import parts

    return {
        "people": sum(1 for _ in parts(edited.mask)),
        "covered": round(edited.person_share, 5),
        "faces_uncovered": _uncovered(image, edited.mask) if edit.people.is_everybody else None,
        **_settings(edit, model),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def of_clip(edit: Edit, share: float, target: Path, *, model: str) -> dict[str, Any]:
    """The record of a clip, whose result is at target. share: what is covered, as a mean over the frames."""
    return {
        "people": None,
        "covered": round(share, 5),
        "faces_uncovered": _seen(target) if edit.people.is_everybody else None,
        **_settings(edit, model),
        "sha256": _sha256(target) if target.is_file() else None,
    }


def warnings(audit: dict[str, Any] | None) -> tuple[str, ...]:
    """What is to be said about a record."""
    count = audit and audit["faces_uncovered"]
    return () if not count else (f"{count} {'face is' if count == 1 else 'faces are'} left uncovered",)


def voices(clip: video.Clip, target: Path) -> tuple[str, ...]:
    """What is to be said where the sound of a clip is kept."""
    kind = video.CONTAINERS.get(target.suffix.lower() or ".frames")
    return (VOICES,) if clip.sound and kind is not None and kind.sound else ()


def check_faces() -> None:
    """Raises SetupError where faces that are left uncovered cannot be found on this machine."""
    from standout.faces import model_file

    model_file()


def _settings(edit: Edit, model: str) -> dict[str, Any]:
    return {"effect": {"name": edit.effect.name} | plain(edit.effect), "standout": __version__, "model": model}


def _uncovered(image: Image, mask: Mask) -> int | None:
    """How many faces of the image are not hidden by the mask; None where the face model is not installed."""
    from standout.faces import faces

    try:
        found = faces(image)
    except SetupError:
        return None
    count = 0
    for face in found:
        left, top, right, bottom = (max(0, round(value)) for value in face.box)
        inside = mask[top : max(top + 1, bottom), left : max(left + 1, right)]
        count += bool(inside.size) and float(np.mean(inside > 0)) < ENOUGH
    return count


def _seen(target: Path) -> int | None:
    """The most faces in a frame of the result; None where it cannot be read again or the face model is missing."""
    from standout.faces import faces

    try:
        with video.open_clip(target) as clip:
            return max((len(faces(frame.image)) for frame in clip.frames(rate=CHECKED)), default=0)
    except (SetupError, UnreadableVideo):
        return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
