"""What effects make of planes, against what they make of RGB."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from standout.effects import Blur, Color, Cut, Effect, Matte, Replace
from standout.effects.planes import as_pixels
from standout.errors import InputError
from standout.masks.letterbox import resize
from standout.masks.planes import full_size_of_pixels
from standout.masks.refine import refine
from standout.types import Mask, Photo, PlanarFrame, Planes
from standout.video.color import FULL, LIMITED, Colors
from standout.video.planes import small_picture, to_rgb

SIZE = (360, 640)


def scene() -> tuple[np.ndarray, np.ndarray]:
    """A person's head and shoulders, drawn, before a striped wall; and what the network would say of it (h, w)."""
    down, across = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    wall = np.dstack([60 + 40 * np.sin(across / 31), 110 + 30 * np.sin(down / 17), np.full(SIZE, 150.0)])
    share = np.zeros(SIZE, np.float32)
    cv2.ellipse(share, (320, 150), (60, 80), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    cv2.ellipse(share, (320, 360), (150, 130), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    person = np.dstack([np.full(SIZE, 215.0), 150 + 30 * np.sin(across / 9), np.full(SIZE, 60.0)])
    image = np.rint(share[..., None] * person + (1 - share[..., None]) * wall).astype(np.uint8)
    return image, cv2.resize(cv2.GaussianBlur(share, (0, 0), 3), (320, 180), interpolation=cv2.INTER_AREA)


def planar(image: np.ndarray, colors: Colors) -> PlanarFrame:
    like = Planes(*(np.zeros(size, np.uint8) for size in (SIZE, half(), half())), to_rgb(colors))
    planes = as_pixels(image, like)
    return PlanarFrame(small_picture(planes, 640), Fraction(0), planes=planes)


def half() -> tuple[int, int]:
    return SIZE[0] // 2, SIZE[1] // 2


def rgb(planes: Planes) -> np.ndarray:
    whole = [planes.y, *(cv2.resize(plane, SIZE[::-1]) for plane in (planes.u, planes.v))]
    return cv2.transform(cv2.merge(whole), planes.to_rgb)


EFFECTS: list[Effect] = [
    Blur(), Blur(1.0), Color("white"), Color("black"), Cut(background="green"), Color("white", decontaminate=False),
    Replace(Photo(np.full((50, 90, 3), (10, 200, 90), np.uint8))),
]  # fmt: skip


@pytest.mark.parametrize("effect", EFFECTS, ids=repr)
@pytest.mark.parametrize("colors", [Colors(1, LIMITED), Colors(6, FULL), Colors(9, LIMITED)], ids=str)
def test_planes_become_what_rgb_becomes(effect: Effect, colors: Colors) -> None:
    image, coarse = scene()
    frame = planar(image, colors)
    seen = rgb(frame.planes)
    mask, expected = full_size_of_pixels(coarse, frame.image, frame.planes), refine(coarse, seen)
    assert np.abs(mask - expected).mean() < 0.002, "the same mask"
    made = effect.on_planes(frame, mask)
    assert isinstance(made, Planes) and made.alpha is None
    apart = np.abs(rgb(made).astype(float) - effect(seen, expected)).max(axis=2)
    assert apart.mean() < 1.5, "the same picture"
    assert np.percentile(apart, 99.5) < 20, "at the edge, too, but for the color of single pixels"


@pytest.mark.parametrize("effect", [*EFFECTS, Cut(), Cut(decontaminate=False)], ids=repr)
def test_frames_in_rgb_become_what_photos_become(effect: Effect) -> None:
    small, coarse = scene()
    image = cv2.resize(small, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    frame = PlanarFrame(resize(image, *SIZE), Fraction(0), planes=image)
    mask, expected = full_size_of_pixels(coarse, frame.image, image), refine(coarse, image)
    np.testing.assert_array_equal(mask, expected)
    made, photo, before = effect.on_planes(frame, mask), effect(image, expected), image.copy()
    assert isinstance(made, np.ndarray) and made.shape == photo.shape
    shown = np.minimum(made[..., 3:], photo[..., 3:]) > 0 if made.shape[2] == 4 else np.ones((*mask.shape, 1), bool)
    apart = (shown * np.abs(made.astype(float) - photo)).max(axis=2)
    assert apart.mean() < 1 and np.percentile(apart, 99) < 6, "the same picture, but for the color of single pixels"
    np.testing.assert_array_equal(image, before)


def test_what_is_cut_out_of_rgb_hides_everything_else() -> None:
    image, coarse = scene()
    mask = refine(coarse, image)
    made = Cut().on_planes(PlanarFrame(image[::2, ::2].copy(), Fraction(0), planes=image), mask)
    assert isinstance(made, np.ndarray)
    np.testing.assert_array_equal(made[..., 3], np.rint(mask * 255))
    assert not made[made[..., 3] == 0].any() and (made[..., 3] == 0).any()


def test_what_is_cut_out_hides_everything_else() -> None:
    image, coarse = scene()
    frame = planar(image, Colors(1, LIMITED))
    mask = full_size_of_pixels(coarse, frame.image, frame.planes)
    made = Cut().on_planes(frame, mask)
    assert isinstance(made, Planes) and made.alpha is not None
    np.testing.assert_array_equal(made.alpha, np.rint(mask * 255))
    assert (made.y[made.alpha == 0] == 16).all(), "black in the limited range"
    away = cv2.resize(made.alpha, half()[::-1], interpolation=cv2.INTER_AREA) == 0
    assert (made.u[away] == 128).all() and (made.v[away] == 128).all()
    inside = made.alpha == 255
    np.testing.assert_array_equal(made.y[inside], frame.planes.y[inside])


def test_the_frame_itself_is_never_written_into() -> None:
    image, coarse = scene()
    frame = planar(image, Colors(1, LIMITED))
    before = [plane.copy() for plane in (frame.planes.y, frame.planes.u, frame.planes.v)]
    mask: Mask = full_size_of_pixels(coarse, frame.image, frame.planes)
    for effect in (*EFFECTS, Cut(), Matte(), Blur(0.1)):
        effect.on_planes(frame, mask)
    for plane, copy in zip((frame.planes.y, frame.planes.u, frame.planes.v), before, strict=True):
        np.testing.assert_array_equal(plane, copy)


def test_a_picture_behind_stays_as_it_is_from_frame_to_frame() -> None:
    image, coarse = scene()
    frame = planar(image, Colors(1, LIMITED))
    mask = full_size_of_pixels(coarse, frame.image, frame.planes)
    effect = Replace(Photo(np.full((50, 90, 3), (10, 200, 90), np.uint8)))
    first, second = effect.on_planes(frame, mask), effect.on_planes(frame, np.zeros_like(mask))
    assert (first.y != second.y).any(), "somebody stands before the first"
    np.testing.assert_array_equal(second.y, np.full(SIZE, second.y[0, 0]))


def test_a_mask_is_the_same_gray_picture() -> None:
    image, coarse = scene()
    frame = planar(image, Colors(1, LIMITED))
    mask = full_size_of_pixels(coarse, frame.image, frame.planes)
    np.testing.assert_array_equal(Matte().on_planes(frame, mask), Matte()(image, mask))


def test_a_weak_blur_is_made_at_full_size() -> None:
    assert Blur(0.5).takes_planes and not Blur(0.05).takes_planes


def test_an_effect_that_takes_no_planes_says_so() -> None:
    from standout.effects import Pixelate

    image, coarse = scene()
    frame = planar(image, Colors(1, LIMITED))
    assert not Pixelate().takes_planes
    with pytest.raises(InputError, match="pixelate takes no planes"):
        Pixelate().on_planes(frame, coarse)
