"""The bench for video meetings: benchmarks/meeting.py and what lies beside it."""

import doctest
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest

from standout.types import Bools

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
RED, GREEN = (200, 30, 30), (30, 160, 30)


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies in benchmarks/, which is no package, can be imported."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.fixture
def measures() -> ModuleType:
    return importlib.import_module("meeting_measures")


@pytest.fixture
def clips() -> ModuleType:
    return importlib.import_module("meeting_clips")


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Two red people with round heads, each before blue, and two green places, with somebody in a corner of each."""
    for kind in ("images", "masks"):
        (tmp_path / "val" / kind).mkdir(parents=True)
    for number, head in enumerate((55, 70)):
        label = np.zeros((400, 300), np.uint8)
        cv2.circle(label, (150, 150), head, 255, -1)
        cv2.ellipse(label, (150, 400), (120, 230), 0, 0, 360, 255, -1)
        picture = np.where(label[..., None] > 0, RED, (30, 30, 200))
        write(tmp_path, f"eg1800_{number}", picture, label)
        corner = np.zeros((360, 500), np.uint8)
        corner[250:, 420:] = 255
        write(tmp_path, f"cocoval_{number}", np.where(corner[..., None] > 0, RED, GREEN), corner)
    return tmp_path


def write(people: Path, name: str, picture: np.ndarray, label: np.ndarray) -> None:
    """Writes a photo, RGB, and its label."""
    cv2.imwrite(str(people / "val" / "images" / f"{name}.png"), picture[..., ::-1].astype(np.uint8))
    cv2.imwrite(str(people / "val" / "masks" / f"{name}.png"), label)


@pytest.mark.parametrize("name", ["meeting_measures", "meeting_clips", "meeting_show", "peers_whole_show"])
def test_examples(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted and not found.failed


def blobs(seed: int, size: tuple[int, int] = (180, 320)) -> Bools:
    """A random mask of large blobs."""
    noise = np.random.default_rng(seed).normal(size=size).astype(np.float32)
    found: Bools = cv2.GaussianBlur(noise, (0, 0), 14) > 0
    return found


def test_iou_is_that_of_all_pixels_of_the_clip(measures: ModuleType) -> None:
    """A small frame that is all wrong counts as little as its pixels do."""
    found, truth = [blobs(1), blobs(2)], [blobs(3), blobs(4)]
    both = sum(np.count_nonzero(one & other) for one, other in zip(found, truth, strict=True))
    either = sum(np.count_nonzero(one | other) for one, other in zip(found, truth, strict=True))
    assert measures.iou(found, truth) == pytest.approx(both / either)
    assert measures.iou([blobs(1), np.zeros((4, 4), bool)], [blobs(1), np.ones((4, 4), bool)]) > 0.999
    nobody = np.zeros((9, 9), bool)
    assert measures.iou([nobody], [nobody]) == 1 and measures.iou([~nobody], [nobody]) == 0


def slow_boundary_f(found: Bools, truth: Bools, reach: float) -> float:
    """The same by distances between all pixels of two outlines: those that touch a pixel outside by a side."""

    def outline(mask: Bools) -> np.ndarray:
        wide = np.pad(mask, 1, mode="edge")
        inside = wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]
        return np.argwhere(mask & ~inside)

    mine, true = outline(found), outline(truth)
    apart = np.sqrt(np.square(mine[:, None, :] - true[None, :, :]).sum(-1))
    precision, recall = (apart.min(1) <= reach).mean(), (apart.min(0) <= reach).mean()
    return float(2 * precision * recall / (precision + recall))


def test_boundary_f_is_that_of_distances(measures: ModuleType) -> None:
    """The radius is 0.8 % of the diagonal of 320x180, rounded: 3 pixels; a disk of pixels reaches a little farther."""
    for seed in range(4):
        truth = blobs(seed)
        moved = np.roll(truth, (2, 3), (0, 1))
        found = measures.boundary_f([moved], [truth])
        least, most = (slow_boundary_f(moved, truth, reach) for reach in (3.0, 3.7))
        assert least - 1e-9 <= found <= most + 1e-9 and 0.5 < found < 1


def test_boundary_f_at_its_corners(measures: ModuleType) -> None:
    nobody, everybody = np.zeros((90, 160), bool), np.ones((90, 160), bool)
    assert measures.boundary_f([nobody], [nobody]) == 1
    assert measures.boundary_f([everybody], [everybody]) == 1, "the frame's own edge is no outline"
    assert measures.boundary_f([blobs(0, (90, 160))], [nobody]) == 0
    assert measures.boundary_f([blobs(0)] * 2, [blobs(0), np.zeros((180, 320), bool)]) == 0.5


def moving(count: int, step: int) -> tuple[list[np.ndarray], list[Bools]]:
    """A picture of soft texture that moves to the right as a whole, with a person that moves along."""
    noise = np.random.default_rng(0).normal(size=(180, 400, 3)).astype(np.float32)
    texture = cv2.GaussianBlur(noise, (0, 0), 3)
    wide = np.clip(120 + 300 * texture, 0, 255).astype(np.uint8)
    person = np.zeros((180, 400), bool)
    person[60:140, 140:240] = True
    parts = [slice(40 - step * number, 360 - step * number) for number in range(count)]
    return [np.ascontiguousarray(wide[:, part]) for part in parts], [person[:, part] for part in parts]


def test_a_mask_that_moves_with_the_picture_is_steady(measures: ModuleType) -> None:
    frames, masks = moving(5, 3)
    assert measures.flow_warping_error(frames, masks) < 0.004
    stays = [masks[0]] * len(frames)
    assert measures.flow_warping_error(frames, stays) > 0.02, "it does not follow the person"


def test_masks_that_differ_by_turns_are_seen(measures: ModuleType) -> None:
    """Every second mask is larger, as it may be where only every second frame is looked at anew."""
    frames, masks = moving(6, 0)
    larger = np.asarray(cv2.dilate(masks[0].astype(np.uint8), np.ones((9, 9), np.uint8))) > 0
    turns = [larger if number % 2 else mask for number, mask in enumerate(masks)]
    ring, box = np.count_nonzero(larger & ~masks[0]), (80 + 2 * 20) * (100 + 2 * 20)
    assert measures.flow_warping_error(frames, masks) == 0
    assert measures.flow_warping_error(frames, turns) == pytest.approx(ring / box, rel=0.15)


def test_a_few_pixels_in_a_corner_are_measured(measures: ModuleType) -> None:
    """The flow sees enough around them: on pictures of 17 to 24 pixels, OpenCV's DIS crashes."""
    frames, _ = moving(4, 1)
    masks = [np.zeros((180, 320), bool) for _ in frames]
    for number, mask in enumerate(masks):
        mask[-1, -1 - number :] = True
    assert 0 < measures.flow_warping_error(frames, masks) < 0.01


def test_what_becomes_visible_anew_does_not_count(measures: ModuleType) -> None:
    """Where the second frame shows something else, nothing tells what the mask should be."""
    frames, masks = moving(2, 0)
    anew = slice(40, 120), slice(20, 130)
    later, more = frames[1].copy(), masks[1].copy()
    more[anew] = True
    assert measures.flow_warping_error(frames, [masks[0], more]) > 0.2, "the same picture, and another mask"
    later[anew] = 255 - later[anew][::-1, ::-1]
    assert measures.flow_warping_error([frames[0], later], [masks[0], more]) < 0.05


def test_every_scene_shows_people_where_its_alpha_says_so(people: Path, clips: ModuleType) -> None:
    for name in clips.SCENES:
        *_, (frame, alpha) = clips.play(name, 0, people, frames=12 if name == "coming" else 1)
        assert frame.shape == (clips.HEIGHT, clips.WIDTH, 3) and frame.dtype == np.uint8
        assert alpha.shape == frame.shape[:2] and alpha.dtype == np.float32 and 0 <= alpha.min() <= alpha.max() <= 1
        light = frame.astype(float).sum(-1).mean()
        red = cv2.blur(frame[..., 0].astype(np.float32) - frame[..., 1], (5, 5))
        inside, outside = (np.asarray(cv2.erode(part.astype(np.uint8), np.ones((9, 9)))) > 0
                           for part in (alpha > 0.99, alpha < 0.01))  # fmt: skip
        assert inside.sum() > 2000, name
        assert (red[inside] > 0).mean() > 0.99 and (red[outside] < 0).mean() > 0.99, name
        assert (light < 90) == (name == "dim"), name


def test_clips_are_the_same_in_every_run_and_others_with_another_cast(
    people: Path, clips: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips, "SCENES", {"talking": clips.SCENES["talking"]})
    one, same, other = (list(clips.play("talking", cast, people, frames=2)) for cast in (0, 0, 1))
    for (frame, alpha), (again, once_more) in zip(one, same, strict=True):
        np.testing.assert_array_equal(frame, again)
        np.testing.assert_array_equal(alpha, once_more)
    assert not np.array_equal(one[0][0], other[0][0])
    assert clips.digest(people, casts=1) == clips.digest(people, casts=1) != clips.digest(people, casts=2)


def test_a_cutout_takes_no_rim_of_the_background_along_and_ends_where_the_photo_cuts_it(clips: ModuleType) -> None:
    label = np.zeros((400, 300), np.uint8)
    cv2.circle(label, (150, 150), 70, 255, -1)
    label[200:, 60:240] = 255
    label[340:] = 255  # from here on, the photo's sides cut the body
    image = np.where(label[..., None] > 0, RED, (30, 30, 200)).astype(np.uint8)
    colors, alpha = clips.cutout(image, label)
    assert alpha.shape == colors.shape[:2] == (264, 300), "from a little above the head to where the sides are reached"
    assert (colors == RED).all() and alpha[-1].max() == 1 and alpha[0].max() < 0.01
    label[0, 150] = 255
    assert clips.cutout(image, label) is None, "the head is cut off"
    unclear = np.where(label > 0, 255, 128).astype(np.uint8)
    assert clips.cutout(image, unclear) is None


def test_a_folder_without_people_or_places_is_refused(people: Path, clips: ModuleType) -> None:
    for file in (people / "val" / "images").glob("cocoval_*"):
        file.unlink()
    with pytest.raises(FileNotFoundError, match=r"no photo .* with a place without people"):
        next(clips.play("talking", 0, people))
    with pytest.raises(FileNotFoundError, match="no portrait"):
        clips.sitters(people / "elsewhere")


def test_standout_is_measured_file_to_file(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The masks are those of the command; a model that fails is said to fail."""
    meeting = importlib.import_module("meeting")
    monkeypatch.setattr(meeting, "play", lambda *_: importlib.import_module("meeting_clips").play(*_, frames=3))
    every = meeting.sequences(people, 1)
    sequence = next(every)
    known = {way.name: way for way in meeting.ways()}
    found = meeting.masks(known["standout-tiny"], sequence, {})
    assert len(found) == 3 and found[0].shape == sequence.truth[0].shape and found[0].dtype == bool
    row = meeting.scored(sequence, sequence.truth)
    assert row["iou"] == row["boundary_f"] == 1 and row["warping"] < 0.05
    broken = meeting.Way("broken", "broken", model=str(people / "no.onnx"))
    with pytest.raises(meeting.GetError, match=r"no\.onnx"):
        meeting.masks(broken, sequence, {})


def results(warping: float, *, clips: str = "abc") -> dict[str, Any]:
    rows = [{"scene": "talking", "cast": cast, "iou": 0.9, "boundary_f": 0.8, "warping": warping} for cast in range(3)]
    ours = {"title": "standout-tiny", "ours": True, "steady": True, "sequences": rows, "p95_ms": 12.3, "mean_ms": 10.0}
    facts = {"clips": clips, "casts": 3, "scenes": ["talking"], "frames": 40, "size": [640, 360]}
    return facts | {"ways": {"standout-tiny": ours}, "failed": {"rvm": "no network"}, "truth": rows}


def test_the_tables_and_what_two_runs_are_apart() -> None:
    show = importlib.import_module("meeting_show")
    lines = show.table(results(0.004)).splitlines()
    row = (
        "| **standout-tiny** | 0.900 (0.900 to 0.900) | 0.800 (0.800 to 0.800) | 4.000 (4.000 to 4.000) | 12.3 | 10.0 |"
    )
    assert row in lines and "| talking | 0.900 / 4.00 |" in lines
    assert "3 clips of 40 frames" in lines[-1] and "Left out: rvm (no network)." in lines[-1]
    apart = show.apart(results(0.004), results(0.003))
    assert "-1.000 (-1.000 to -1.000) | 12.3 to 12.3 |" in apart
    with pytest.raises(ValueError, match="other clips"):
        show.apart(results(0.004), results(0.003, clips="xyz"))
