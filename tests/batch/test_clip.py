from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from threading import Event

import av
import cv2
import numpy as np
import pytest

from standout import video
from standout.batch.clip_pictures import WHOLE, Excerpt, pictures
from standout.batch.plan import Task
from standout.editing import Edit, Placement
from standout.effects import Color, Cut, Matte, Replace
from standout.errors import InputError, OutputError
from standout.lengths import Box, Length, Size
from standout.types import Image, Mask, Picture
from tests.fakes import LeftHalf, Plain, changed, clip_job
from tests.video.drawn import Made, flat, frame_times, make, picture, sound_packets


def task(source: Path, target: Path) -> Task:
    return Task(source, target, Path(source.name), target.suffix)


RED = Color("red", decontaminate=False)
WORK = clip_job(LeftHalf(), RED)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make(tmp_path / "in.mp4", Made(tracks=["aac"]))


def decoded(path: Path) -> list[np.ndarray]:
    with video.open_clip(path) as clip:
        return [frame.image for frame in clip.frames()]


def test_every_frame_gets_the_effect_at_its_own_time_and_the_sound_stays(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    seen: list[tuple[int, int | None]] = []
    found = changed(WORK, progress=lambda done, total: seen.append((done, total)))(task(clip, out))
    assert (found.width, found.height, found.frames) == (128, 96, 30)
    assert 0.48 < found.person_share < 0.52 and found.warnings == ()
    assert seen[-1] == (30, 30) and len(seen) == 30
    assert frame_times(out) == frame_times(clip)
    assert sound_packets(out) == sound_packets(clip)
    for before, after in zip(decoded(clip), decoded(out), strict=True):
        left, right = after[:, :56].astype(int), after[:, 76:].astype(int)
        assert np.abs(left - before[:, :56]).mean() < 6, "the person stays, frame for frame"
        assert right[..., 0].mean() > 235 and right[..., 1:].mean() < 25


def test_an_excerpt_begins_ends_shrinks_and_changes_its_rate(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    part = Excerpt(Fraction(1, 3), Fraction(2, 3), Fraction(15), 64)
    found = changed(WORK, excerpt=part)(task(clip, out))
    assert (found.width, found.height, found.frames) == (64, 48, 5)
    assert frame_times(out) == [Fraction(n, 15) for n in range(5)]
    with pytest.raises(InputError, match=r"in.mp4 lasts 1.00 s, so there is nothing from 9 s on"):
        changed(WORK, excerpt=Excerpt(Fraction(9)))(task(clip, tmp_path / "late.mp4"))
    assert not (tmp_path / "late.mp4").exists()


def test_a_canvas_is_covered_by_the_frames_and_a_region_is_of_the_clip(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    placement = Placement(canvas=Size(96, 96), roi=Box.of("0% 0% 100% 50%"))
    found = replace(WORK, edit=replace(WORK.edit, placement=placement))(task(clip, out))
    assert (found.width, found.height, found.frames) == (96, 96, 30) and 0.22 < found.person_share < 0.28
    for before, after in zip(decoded(clip), decoded(out), strict=True):
        shown = before[:, 16:112]  # the middle: nothing is scaled, since 96 rows cover 96
        assert np.abs(after[:44, :40].astype(int) - shown[:44, :40]).mean() < 6, "the person, in the left half"
        assert after[52:, :, 0].mean() > 235 and after[52:, :, 1:].mean() < 25, "nobody counts below"
    with pytest.raises(InputError, match="clips cannot have preset, scale"):
        replace(WORK, edit=Edit(RED, placement=Placement(preset="square", scale=Length(50, "%"))))


def test_a_cut_out_clip_is_see_through(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.frames"
    changed(WORK, effect=Cut())(task(clip, out))
    files = sorted(out.iterdir())
    assert len(files) == 30
    alpha = cv2.imread(str(files[7]), cv2.IMREAD_UNCHANGED)[..., 3]
    assert alpha[:, :52].min() > 230 and alpha[:, 76:].max() == 0


def test_masks_are_steadied_in_the_order_of_the_frames(clip: Path, tmp_path: Path) -> None:
    """A network that sees people in every other frame: alone it flickers, steadied it does not."""

    class Flickers:
        count = 0

        def probability(self, image: Image) -> Mask:
            self.count += 1
            return np.full((24, 32), 0.3 if self.count % 2 else 0.7, np.float32)

    still = make(tmp_path / "still.mp4", Made(pictures=[picture(0)] * 30))

    def levels(half_life: float) -> np.ndarray:
        out = tmp_path / f"{half_life}.mp4"
        grey = changed(
            WORK, finder=Flickers(), half_life=half_life, refine=False, effect=Matte(),
        )  # fmt: skip
        grey(task(still, out))
        return np.array([frame.mean() for frame in decoded(out)])

    raw, steadied = levels(0.0), levels(0.5)
    assert np.abs(np.diff(raw)).min() > 80
    assert np.abs(np.diff(steadied[5:])).max() < 0.6 * np.abs(np.diff(raw)).mean()


def test_the_finder_is_shown_small_pictures_of_the_side_that_is_wanted(clip: Path) -> None:
    with video.open_clip(clip) as opened:
        made = pictures(opened, Edit(RED), WHOLE, video.PlanarSize((96, 128), 64), clear=False, takes_planes=True)
        assert next(made.frames(onward=Fraction(0), seek=True)).image.shape == (48, 64, 3)


def test_an_error_names_frame_and_time_and_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    def fails(image: Image, mask: Mask, time: Fraction) -> Picture:
        if time >= Fraction(1, 2):
            raise ValueError("no such colour")
        return RED(image, mask, time)

    with pytest.raises(InputError, match=r"in.mp4, after 15 frames, at 0.47 s: ValueError: no such colour"):
        changed(WORK, effect=Plain(fails))(task(clip, tmp_path / "out.mp4"))
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_a_clip_that_is_stopped_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    stop = Event()

    def advance(done: int, total: int | None) -> None:
        if done == 5:
            stop.set()

    with pytest.raises(InputError, match=r"after 5 frames, .*: interrupted; nothing is kept of it"):
        changed(WORK, stop=stop, progress=advance)(task(clip, tmp_path / "out.mp4"))
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_what_is_there_is_kept(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    out.write_bytes(b"mine")
    with pytest.raises(OutputError, match=r"out.mp4 exists and is kept"):
        WORK(task(clip, out))
    assert out.read_bytes() == b"mine"


def test_a_background_clip_goes_round(clip: Path, tmp_path: Path) -> None:
    """Three frames of three colours, at half the clip's rate, behind thirty."""
    colours = [(250, 0, 0), (0, 250, 0), (0, 0, 250)]
    behind = make(
        tmp_path / "behind.mp4",
        Made(pictures=[flat(one) for one in colours], rate=Fraction(15), base=Fraction(1, 15)),
    )  # fmt: skip

    out = tmp_path / "out.mp4"
    changed(WORK, effect=Replace(behind, decontaminate=False))(task(clip, out))
    shown = [int(np.argmax(frame[:, 80:].reshape(-1, 3).mean(0))) for frame in decoded(out)]
    assert shown == [n // 2 % 3 for n in range(30)]


def test_memory_does_not_grow_with_the_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames are let go: of 200, few are ever alive at once."""
    import gc
    import weakref

    alive: dict[int, weakref.ref[np.ndarray]] = {}
    most = [0]

    def living() -> int:
        return sum(one() is not None for one in alive.values())

    class Watches(LeftHalf):
        def probability(self, image: Image) -> Mask:
            alive[len(alive)] = weakref.ref(image)
            most[0] = max(most[0], living())
            return super().probability(image)

    source = make(tmp_path / "long.mp4", Made(pictures=[picture(n) for n in range(200)]))
    changed(WORK, finder=Watches())(task(source, tmp_path / "out.mp4"))
    gc.collect()
    assert most[0] <= 14 and living() == 0


def test_the_real_model_finds_the_walker_of_a_real_clip(clips: Path, tmp_path: Path) -> None:
    from standout.segmenter import Segmenter

    out = tmp_path / "mask.mp4"
    segmenter = Segmenter(threads=1, tta=False)
    work = changed(
        WORK, finder=segmenter, half_life=0.1, excerpt=Excerpt(Fraction(9), Fraction(10)), effect=Matte(),
    )  # fmt: skip
    found = work(task(clips / "one-by-one-person-detection.mp4", out))
    assert found.frames == 10 and 0.03 < found.person_share < 0.2
    with av.open(str(out)) as made:
        assert made.streams.video[0].width == 768 and made.streams.video[0].height == 432
