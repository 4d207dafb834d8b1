"""People who are hidden in clips stay hidden where the model loses them for a moment."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from standout.batch import clip as clip_module
from standout.batch.clip_state import ClipState
from standout.editing import Edit, People
from standout.effects import Anonymize, Color
from standout.masks.window import REACH
from standout.types import Frame, Image, Mask, PersonFinder
from tests.batch.test_clip import decoded, task
from tests.fakes import LeftHalf, changed, clip_job
from tests.video.drawn import Made, flat, make

FILL = Anonymize("silhouette", color="black", margin=0)
WHITE = (235, 235, 235)


class Blinks:
    """A fake model: the left half is person in all frames but some, which it takes for empty, and never surely."""

    def __init__(self, lost: set[int]) -> None:
        self.lost, self.seen = lost, 0

    def probability(self, image: Image) -> Mask:
        mask = LeftHalf().probability(image) * np.float32(0.15)
        self.seen += 1
        return mask * 0 if self.seen - 1 in self.lost else mask


def dark(path: Path) -> list[bool]:
    """Whether the left half of each frame is hidden."""
    return [bool(frame[:, :56].mean() < 40) for frame in decoded(path)]


def test_a_gap_is_closed_and_nobody_is_seen_for_a_frame(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made([flat(WHITE)] * 20))
    lost = set(range(8, 8 + 2 * REACH))
    clip_job(Blinks(lost), FILL)(task(source, tmp_path / "out.mp4"))
    assert dark(tmp_path / "out.mp4") == [True] * 20
    for frame in decoded(tmp_path / "out.mp4"):
        assert frame[:, 72:].mean() > 220, "all else stays"


def test_half_sure_is_sure_enough_here_and_not_elsewhere(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made([flat(WHITE)] * 4))
    found = clip_job(Blinks(set()), FILL)(task(source, tmp_path / "out.mp4"))
    assert found.person_share == pytest.approx(0.5, abs=0.05) and found.audit is not None
    clip_job(Blinks(set()), Color("black"))(task(source, tmp_path / "color.mp4"))
    assert dark(tmp_path / "color.mp4") == [True] * 4 and decoded(tmp_path / "color.mp4")[0][:, 72:].mean() < 40


def test_a_clip_that_is_gone_on_with_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_module, "CHUNK", 5)
    source = make(tmp_path / "in.mp4", Made([flat(WHITE)] * 20))
    lost = {4, 5, 6, 7}  # around the end of the first chunk
    work = clip_job(Blinks(lost), FILL, resume=True)
    work(task(source, tmp_path / "whole.mp4"))

    def stop(done: int, total: int | None) -> None:
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        changed(work, finder=Blinks(lost), progress=stop)(task(source, tmp_path / "out.mp4"))
    # the first chunk is done, so the model sees the frames from the sixth on
    changed(work, finder=Blinks({n - 5 for n in lost}))(task(source, tmp_path / "out.mp4"))
    assert dark(tmp_path / "out.mp4") == [True] * 20
    for one, two in zip(decoded(tmp_path / "out.mp4"), decoded(tmp_path / "whole.mp4"), strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_masks_before_a_stop_are_remembered() -> None:
    frame_masks = [np.full((8, 8), n / 10, np.float32) for n in range(5)]
    follower = Edit(FILL, People()).follower
    state, again = (ClipState(0.0, LeftHalf(), measure=False, follower=follower(), hiding=True) for _ in range(2))
    frames = [Frame(np.full((32, 32, 3), 9, np.uint8), Fraction(n, 30)) for n in range(5)]
    for mask, frame in zip(frame_masks, frames, strict=True):
        state.filtered(mask, frame)
    again.restore(state.reached(frames[-1]) | state.counts(()))
    assert len(again.recent) == REACH
    for one, two in zip(again.recent, state.recent, strict=True):
        np.testing.assert_array_equal(one, two)


def test_what_finds_people_is_asked_for_its_way_of_missing_nobody() -> None:
    class Both(LeftHalf):
        def for_hiding(self) -> PersonFinder:
            return Blinks(set())

    finder = Both()
    assert isinstance(Edit(FILL).finder(finder), Blinks) and Edit(Color("red")).finder(finder) is finder
