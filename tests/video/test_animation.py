"""Writing animations: GIF, WebP and folders of PNGs, read back by Pillow and OpenCV."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from standout import video
from standout.errors import OutputError
from standout.video.write.palette import reduced
from tests.video.drawn import Made, copied, flat, make, picture, see_through

ANIMATED = [".gif", ".webp"]


def shown(path: Path) -> list[tuple[np.ndarray, int]]:
    """Of each frame: what is shown, as RGBA, and for how many milliseconds, read by Pillow."""
    with PIL.Image.open(path) as image:
        frames = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            image.load()
            frames.append((np.asarray(image.convert("RGBA")), int(image.info.get("duration", 0))))
        return frames


def write(
    path: Path, clip: Path, pictures: list[np.ndarray], times: list[Fraction], **options: bool | int
) -> list[str]:
    height, width, channels = pictures[0].shape
    with video.open_clip(clip) as like:
        kind = {"alpha": channels == 4, "gray": channels == 1}
        with video.Writer(path, like, video.WriteOptions(height=height, width=width, **kind, **options)) as writer:
            for one, time in zip(pictures, times, strict=True):
                writer.add(one, time)
    return writer.notes


@pytest.mark.parametrize("suffix", ANIMATED)
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(96, 128), (97, 127), (1, 1), (3, 200)])
def test_frames_come_back(tmp_path: Path, clip: Path, suffix: str, channels: int, size: tuple[int, int]) -> None:
    pictures = [see_through(n, *size)[..., :channels] for n in range(8)]
    write(tmp_path / f"out{suffix}", clip, pictures, [Fraction(n, 10) for n in range(8)])
    frames = shown(tmp_path / f"out{suffix}")
    assert [lasts for _, lasts in frames] == [100] * 7 + [30 if suffix == ".gif" else 33]
    for (image, _), wanted in zip(frames, pictures, strict=True):
        alpha = wanted[..., 3] if channels == 4 else np.full(size, 255, np.uint8)
        if suffix == ".gif":
            np.testing.assert_array_equal(image[..., 3] > 0, alpha >= 128)
        else:
            np.testing.assert_array_equal(image[..., 3], alpha)
        colors = np.repeat(wanted, 3, 2) if channels == 1 else wanted[..., :3]
        seen = alpha > 200
        within = 20 if suffix == ".webp" and size[0] == 3 else 6  # 80 levels a row, and colors are halved in height
        assert not seen.any() or np.abs(image[seen][:, :3].astype(int) - colors[seen]).mean() < within


@pytest.mark.parametrize(("suffix", "unit"), [(".gif", 10), (".webp", 1)])
def test_times_of_a_variable_rate(tmp_path: Path, clip: Path, suffix: str, unit: int) -> None:
    times = [Fraction(n, 1000) for n in (0, 40, 140, 1000, 1033)]
    write(tmp_path / f"out{suffix}", clip, [picture(n) for n in range(5)], times)
    lasts = [one for _, one in shown(tmp_path / f"out{suffix}")]
    assert lasts[:3] == [40, 100, 860]
    assert abs(lasts[3] - 33) <= unit / 2


@pytest.mark.parametrize("suffix", ANIMATED)
def test_lengths_add_up(tmp_path: Path, clip: Path, suffix: str) -> None:
    copied(clip, tmp_path / f"out{suffix}")
    frames = shown(tmp_path / f"out{suffix}")
    assert len(frames) == 30
    assert abs(sum(lasts for _, lasts in frames) - 1000) <= 10


def test_a_gif_leaves_out_what_players_would_slow_down(tmp_path: Path, clip: Path) -> None:
    times = [Fraction(n, 60) for n in range(30)]
    notes = write(tmp_path / "out.gif", clip, [picture(n, 32, 48) for n in range(30)], times)
    lasts = [one for _, one in shown(tmp_path / "out.gif")]
    assert min(lasts) >= 20
    assert abs(sum(lasts) - 500) <= 20
    assert notes == [f"{30 - len(lasts)} frames left out: .gif shows at most 50 a second"]


@pytest.mark.parametrize("suffix", ANIMATED)
def test_they_repeat_for_ever(tmp_path: Path, clip: Path, suffix: str) -> None:
    copied(clip, tmp_path / f"out{suffix}", end=Fraction(1, 10))
    with PIL.Image.open(tmp_path / f"out{suffix}") as image:
        assert image.info["loop"] == 0


@pytest.mark.parametrize("suffix", [*ANIMATED, ".frames"])
def test_one_frame(tmp_path: Path, clip: Path, suffix: str) -> None:
    write(tmp_path / f"out{suffix}", clip, [picture(0)], [Fraction(0)])
    path = tmp_path / "out.frames" / "000001.png" if suffix == ".frames" else tmp_path / f"out{suffix}"
    assert len(shown(path)) == 1


def test_webp_quality_costs_bytes(tmp_path: Path, clip: Path) -> None:
    for quality in (1, 50, 100):
        write(tmp_path / f"{quality}.webp", clip, [picture(0)], [Fraction(0)], quality=quality)
    sizes = [(tmp_path / f"{quality}.webp").stat().st_size for quality in (1, 50, 100)]
    assert sizes == sorted(sizes)
    assert write(tmp_path / "out.gif", clip, [picture(0)], [Fraction(0)], quality=5) == [
        "quality has no effect on .gif"
    ]


def test_a_webp_has_a_largest_side(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(OutputError, match=r"16384x2 is too large for \.webp \(16383 a side\); use"):
        write(tmp_path / "out.webp", clip, [flat((1, 2, 3), 2, 16384)], [Fraction(0)])
    assert [one.name for one in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", ["out.frames", "out"])
def test_a_folder_of_pngs(tmp_path: Path, clip: Path, channels: int, name: str) -> None:
    pictures = [see_through(n)[..., :channels] for n in range(12)]
    write(tmp_path / name, clip, pictures, [Fraction(n, 30) for n in range(12)])
    files = sorted((tmp_path / name).iterdir())
    assert [file.name for file in files] == [f"{n:06d}.png" for n in range(1, 13)]
    for file, wanted in zip(files, pictures, strict=True):
        image = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
        np.testing.assert_array_equal(image.reshape(wanted.shape)[..., order], wanted)


def test_a_folder_is_replaced_only_when_told(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "out.frames").mkdir()
    (tmp_path / "out.frames" / "mine.txt").write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists and is kept"):
        copied(clip, tmp_path / "out.frames")
    assert (tmp_path / "out.frames" / "mine.txt").exists()
    copied(clip, tmp_path / "out.frames", overwrite=True)
    assert len(list((tmp_path / "out.frames").iterdir())) == 30
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in", "out.frames"]


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made([picture(n) for n in range(2)], aspect=Fraction(16, 11)))
    for suffix in ANIMATED:
        (note,) = copied(source, tmp_path / f"out{suffix}")
        assert note == f"128x96 became 186x96: {suffix} cannot record that pixels are not square"
        assert shown(tmp_path / f"out{suffix}")[0][0].shape[:2] == (96, 186)
    assert copied(source, tmp_path / "out.frames") == ["pixels are 16:11 wide, which PNGs cannot record"]
    assert shown(tmp_path / "out.frames" / "000001.png")[0][0].shape[:2] == (96, 128)


def test_few_colors_stay_exact() -> None:
    few = np.random.default_rng(0).integers(0, 255, (40, 4, 3), np.uint8).repeat(8, 1)
    index, palette = reduced(few)
    assert len(np.unique(few.reshape(-1, 3), axis=0)) < 255
    assert np.abs(palette[index][..., 1:].astype(int) - few).mean() < 1.5


def test_many_colors_are_near() -> None:
    slope = np.dstack([*np.meshgrid(np.arange(256), np.arange(200)), np.full((200, 256), 90)]).astype(np.uint8)
    index, palette = reduced(slope)
    error = palette[index][..., 1:].astype(float) - slope
    assert np.abs(error).mean() < 8
    blurred = cv2.blur(palette[index][..., 1:].astype(np.float32), (16, 16)) - cv2.blur(
        slope.astype(np.float32), (16, 16)
    )
    assert np.abs(blurred).mean() < 2.5  # the dither pattern averages out


@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.sampled_from([1, 3, 4]))),
    st.integers(1, 255),
)
@settings(max_examples=60, deadline=None)
def test_any_picture_is_reduced(image: np.ndarray, colors: int) -> None:
    index, palette = reduced(image, colors=colors)
    assert index.shape == image.shape[:2]
    opaque = image[..., 3] >= 128 if image.shape[2] == 4 else np.ones(image.shape[:2], bool)
    np.testing.assert_array_equal(palette[index][..., 0] == 255, opaque)
    assert len(np.unique(index[opaque])) <= colors
