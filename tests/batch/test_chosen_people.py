"""Chosen people in clips, through the whole job: the same file whether it was stopped or not."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from standout import video
from standout.batch import clip as clip_module
from standout.batch.clip import ClipJob
from standout.editing import People
from standout.effects import Matte
from standout.errors import InputError
from standout.lengths import Point
from standout.types import Image, Mask
from tests.batch.test_clip import task
from tests.batch.test_resume import stopped
from tests.fakes import clip_job
from tests.masks.test_people import crossing, overlap
from tests.video.drawn import Made, make


class Colorful:
    """A network that sees people wherever the picture is not gray."""

    def probability(self, image: Image) -> Mask:
        small = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.int32)
        return (np.ptp(small, axis=2) > 30).astype(np.float32)


def job(people: People) -> ClipJob:
    work = clip_job(Colorful(), Matte(), resume=True)
    return replace(work, edit=replace(work.edit, people=people))


def test_a_clip_that_was_stopped_goes_on_with_the_same_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_module, "CHUNK", 12)
    frames = crossing(40)
    source = make(tmp_path / "in.mkv", Made(pictures=[image for image, _, _ in frames]))
    work = job(People(at=(Point.of("250,90"),)))
    whole, parts = tmp_path / "whole.mkv", tmp_path / "parts.mkv"
    work(task(source, whole))
    assert stopped(work, source, parts, after=27)
    work(task(source, parts))
    assert whole.read_bytes() == parts.read_bytes()
    with video.open_clip(whole) as clip:
        masks = [frame.image[..., 0] > 127 for frame in clip.frames(start=Fraction(0))]
    for index in (0, 10, -1):
        assert overlap(masks[index], frames[index][2] == 2) > 0.7


def test_a_point_on_nobody_stops_the_clip_and_says_when(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mkv", Made(pictures=[image for image, _, _ in crossing(3)]))
    with pytest.raises(InputError, match=r"is on nobody .* 2 people were found"):
        job(People(at=(Point.of("2%,2%"),)))(task(source, tmp_path / "out.mkv"))
    assert not (tmp_path / "out.mkv").exists()
