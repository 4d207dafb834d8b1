import copy
import io
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest

import standout
from standout import effects, images
from standout.batch.clip import ClipOptions
from standout.batch.clip_pictures import Excerpt
from standout.editing import Edge, Edit, People, Placement
from standout.errors import InputError, OutputExists
from standout.types import Metadata
from tests import pictures
from tests.conftest import drawn_person
from tests.video.drawn import Made, make, picture


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    image, _ = drawn_person()
    cv2.imwrite(str(tmp_path / "photo.png"), image[..., ::-1])
    return tmp_path / "photo.png"


IMAGE, LEVELS = drawn_person()
MASK = LEVELS.astype(np.float32) / 255


def test_the_public_face() -> None:
    assert standout.__version__.count(".") == 2
    for name in standout.__all__:
        assert getattr(standout, name) is not None, name
    assert sorted(dir(standout)) == sorted(standout.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        standout.nope  # noqa: B018


@pytest.mark.parametrize(
    "first", ["from standout import Segmenter", "import standout.segmenter", "from standout.segmenter import Segmenter"]
)
def test_segment_is_the_function_whatever_was_imported_before(first: str) -> None:
    code = f"{first}\nimport standout\nassert standout.segment.__name__ == 'segment' and callable(standout.segment)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_kind_of_photo_gives_the_same(photo: Path) -> None:
    png = photo.read_bytes()
    opaque = np.dstack([IMAGE, np.full_like(LEVELS, 255)])
    kinds = [str(photo), photo, png, PIL.Image.open(io.BytesIO(png)), IMAGE, opaque]
    for kind in kinds:
        assert np.array_equal(standout.cut(kind, mask=MASK), standout.cut(IMAGE, mask=MASK)), type(kind)
    grey = standout.cut(IMAGE[..., 0], mask=MASK)
    assert grey.shape == (*LEVELS.shape, 4) and np.array_equal(grey[..., 0], grey[..., 2])
    assert standout.cut(IMAGE.astype(np.uint16) * 257, mask=MASK).dtype == np.uint16


def test_masks_of_every_kind() -> None:
    wanted = standout.color(IMAGE, mask=MASK)
    for mask in (LEVELS, LEVELS.astype(np.uint16) * 257, LEVELS > 0, MASK.astype(np.float64)):
        assert np.array_equal(standout.color(IMAGE, mask=mask), wanted), mask.dtype


def test_effects_do_what_they_say() -> None:
    assert standout.cut(IMAGE, mask=MASK).shape == (*LEVELS.shape, 4)
    assert (standout.color(IMAGE, "#0f0", mask=MASK)[LEVELS == 0] == (0, 255, 0)).all()
    assert (standout.color(IMAGE, (1, 2, 3), mask=MASK)[LEVELS == 0] == (1, 2, 3)).all()
    assert np.array_equal(standout.blur(IMAGE, mask=MASK, strength=0), IMAGE)
    behind = np.full((50, 50, 3), 9, np.uint8)
    assert (standout.replace(IMAGE, behind, mask=MASK)[LEVELS == 0] == 9).all()
    assert standout.replace(IMAGE, behind, mask=MASK, how="fit").shape == IMAGE.shape


def test_the_model_finds_a_mask_of_the_photos_size(photo: Path) -> None:
    mask = standout.segment(photo)
    assert mask.shape == LEVELS.shape and mask.dtype == np.float32 and 0 <= mask.min() <= mask.max() <= 1
    assert np.array_equal(standout.cut(photo), standout.cut(photo, mask=mask))


def test_nobody_stands_where_a_photo_is_transparent() -> None:
    alpha = np.zeros_like(LEVELS)
    alpha[:60] = 255
    picture = standout.cut(np.dstack([IMAGE, alpha]), mask=np.ones_like(MASK))
    assert (picture[..., 3] == alpha).all()


@pytest.mark.parametrize(
    ("photo", "mask", "message"),
    [
        (IMAGE.astype(np.float32), MASK, "float32.*wanted uint8 or uint16"),
        (IMAGE[..., :2], MASK, "wanted uint8"),
        (IMAGE[:0], MASK, "no pixels"),
        (IMAGE, MASK[1:], r"mask is \(119, 90\), the photo \(120, 90\)"),
        (IMAGE, MASK * 255, "from 0 to 255; wanted 0 to 1"),
        (IMAGE, MASK * np.nan, "wanted 0 to 1"),
        (3, MASK, "path, bytes"),
        ("nope.jpg", MASK, "does not exist"),
    ],
)
def test_what_makes_no_sense_is_refused(photo: object, mask: np.ndarray, message: str) -> None:
    with pytest.raises(standout.StandoutError, match=message):
        standout.cut(photo, mask=mask)  # type: ignore[arg-type]


# ---- what a result remembers

EXIF = pictures.exif_block()


def tagged(tmp_path: Path, *, name: str = "tagged.jpg") -> Path:
    path = tmp_path / name
    images.write(path, IMAGE, meta=Metadata(icc=PROFILE, exif=EXIF, dpi=(300, 200)), metadata="all")
    return path


PROFILE = pictures.srgb_profile()
MAKERS: dict[str, Callable[..., np.ndarray]] = {
    "cut": standout.cut,
    "blur": standout.blur,
    "color": lambda photo, **more: standout.color(photo, "white", **more),
    "replace": lambda photo, **more: standout.replace(photo, IMAGE, **more),
}


@pytest.mark.parametrize("effect", sorted(MAKERS))
@pytest.mark.parametrize("kind", ["path", "bytes", "PIL", "Photo", "another result"])
def test_a_result_keeps_profile_exif_and_dpi_but_not_the_place(effect: str, kind: str, tmp_path: Path) -> None:
    path = tagged(tmp_path)
    with PIL.Image.open(path) as opened:
        photo = {
            "path": path, "bytes": path.read_bytes(), "PIL": opened, "Photo": standout.read(path),
            "another result": standout.blur(path, mask=MASK, strength=0),
        }[kind]  # fmt: skip
        picture = MAKERS[effect](photo, mask=MASK)
    standout.write(tmp_path / "out.png", picture)
    meta = standout.read(tmp_path / "out.png").meta
    assert meta.icc == PROFILE and meta.dpi == pytest.approx((300, 200), abs=0.1)
    assert meta.exif and pictures.MODEL in meta.exif
    assert pictures.PLACE not in meta.exif and pictures.THUMBNAIL not in meta.exif
    standout.write(tmp_path / "all.png", picture, metadata="all")
    assert pictures.PLACE in (tmp_path / "all.png").read_bytes()
    standout.write(tmp_path / "none.png", picture, meta=standout.Metadata())
    none = standout.read(tmp_path / "none.png").meta
    assert (none.icc, none.exif, none.dpi) == (None, None, None)


def test_the_readmes_example(tmp_path: Path) -> None:
    path = tagged(tmp_path)
    standout.write(tmp_path / "blurred.jpg", standout.blur(path, mask=MASK))
    meta = standout.read(tmp_path / "blurred.jpg").meta
    assert meta.icc == PROFILE and meta.exif and meta.dpi


def test_a_result_is_an_array_like_any_other(tmp_path: Path) -> None:
    picture = standout.blur(tagged(tmp_path), mask=MASK)
    plain = np.asarray(picture)
    assert type(plain) is np.ndarray and np.shares_memory(plain, picture)
    assert PIL.Image.fromarray(picture).size == (90, 120)
    assert cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).shape == (120, 90)
    assert isinstance(picture.mean(), float) and (picture == plain).all()
    assert picture.max(axis=2).shape == (120, 90)
    brighter = np.clip(picture * 1.1, 0, 255).astype(np.uint8)
    assert np.array_equal(brighter, np.clip(plain * 1.1, 0, 255).astype(np.uint8))
    picture += 1
    assert np.array_equal(picture, plain), "in place, the same memory"
    np.add(picture, 1, out=picture)
    assert np.array_equal(picture, plain)


def test_what_metadata_follows_and_what_it_does_not(tmp_path: Path) -> None:
    picture = standout.blur(tagged(tmp_path), mask=MASK)
    other = standout.blur(IMAGE, mask=MASK)
    whole = picture.meta
    assert whole.icc == PROFILE and other.meta.icc is None
    for same in (
        picture[10:50, 10:40], picture.copy(), picture[:, ::-1], picture + 1, picture // 2, 255 - picture,
        picture.astype(np.float32), np.clip(picture * 1.1, 0, 255).astype(np.uint8), copy.deepcopy(picture),
        pickle.loads(pickle.dumps(picture)), picture + IMAGE, picture + picture, np.maximum(picture, 3),
    ):  # fmt: skip
        assert images.meta_of(same) == whole
    for nothing in (
        picture + other, np.concatenate([picture, other]), np.dstack([picture, other]), picture[..., :1],
        picture[..., 0], picture > 3, np.asarray(picture), np.where(MASK[..., None] > 0, picture, other), IMAGE, None,
    ):  # fmt: skip
        assert images.meta_of(nothing) == Metadata(), nothing
    crop = picture[10:50, 10:40]
    standout.write(tmp_path / "crop.jpg", crop)
    exif = standout.read(tmp_path / "crop.jpg").meta.exif
    assert exif and pictures.exif_of(exif).get_ifd(0x8769)[0xA002] == 30, "EXIF tells the crop's own size"


def test_a_turned_photo_is_not_turned_again(tmp_path: Path) -> None:
    stored = np.ascontiguousarray(pictures.turned(IMAGE, 6))
    data = pictures.pillow(stored, "PNG", exif=pictures.exif_block(6))
    standout.write(tmp_path / "out.png", standout.blur(data, mask=MASK, strength=0))
    assert np.array_equal(standout.read(tmp_path / "out.png").image, IMAGE)


def test_transparency_of_backgrounds_and_photos() -> None:
    behind = np.full((50, 50, 4), (9, 9, 9, 255), np.uint8)
    assert standout.replace(IMAGE, behind, mask=MASK).shape == IMAGE.shape, "nothing of it is transparent"
    behind[..., 3] = 0
    picture = standout.replace(IMAGE, behind, mask=MASK)
    assert np.array_equal(picture[..., 3], LEVELS) and (picture[LEVELS == 0] == 0).all()
    for source in hidden_kinds():
        picture = standout.replace(IMAGE, source, mask=np.zeros_like(MASK))
        assert (picture == 0).all(), "only the hidden color was there"
    photo = np.dstack([IMAGE, np.full_like(LEVELS, 128)])
    assert (standout.blur(photo, mask=MASK)[..., 3] == 128).all()


def hidden_kinds() -> list[bytes]:
    """Pictures of green that is fully transparent: RGBA, palettes, gray, 16 bits, one color that counts as nothing."""
    rgba = PIL.Image.new("RGBA", (20, 20), (0, 255, 0, 0))
    palette = PIL.Image.new("P", (20, 20), 1)
    palette.putpalette([0, 0, 0, 0, 255, 0])
    gray = PIL.Image.new("LA", (20, 20), (200, 0))
    deep = np.zeros((20, 20, 4), np.uint16)
    deep[..., 1] = 65535
    return [
        *(pictures.saved(rgba, kind) for kind in ("PNG", "TIFF", "AVIF")),
        pictures.saved(rgba, "WEBP", lossless=True, exact=True),
        *(pictures.saved(palette, kind, transparency=1) for kind in ("PNG", "GIF")),
        pictures.saved(gray, "PNG"),
        pictures.saved(PIL.Image.new("RGB", (20, 20), (0, 255, 0)), "PNG", transparency=(0, 255, 0)),
        pictures.png16(deep, 6),
    ]


# ---- masks and models


def test_masks_in_files(tmp_path: Path) -> None:
    wanted = standout.color(IMAGE, mask=MASK)
    path = tmp_path / "mask.png"
    cv2.imwrite(str(path), LEVELS)
    pil = PIL.Image.fromarray(LEVELS)
    palette = PIL.Image.fromarray(LEVELS // 255)
    palette = PIL.Image.frombytes("P", palette.size, palette.tobytes())
    palette.putpalette([0, 0, 0, 128, 0, 0])
    for mask in (
        str(path), path, path.read_bytes(), pil, pil.convert("1"), pil.convert("RGB"), palette,
        PIL.Image.merge("LA", (pil, pil)), PIL.Image.fromarray(LEVELS.astype(np.uint16) * 257),
    ):  # fmt: skip
        assert np.array_equal(standout.color(IMAGE, mask=mask), wanted), mask
    for call in (standout.cut, standout.blur, lambda photo, mask: standout.replace(photo, IMAGE, mask=mask)):
        assert call(IMAGE, mask=path).shape[:2] == LEVELS.shape


def test_masks_of_classes_and_odd_shapes() -> None:
    wanted = standout.color(IMAGE, mask=MASK)
    ones = LEVELS // 255
    for mask in (ones, ones.astype(np.uint16), ones.astype(np.int64), ones.astype(np.float16), MASK[..., None]):
        assert np.array_equal(standout.color(IMAGE, mask=mask), wanted), mask.dtype


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (LEVELS.astype(np.int32), "from 0 to 255; wanted 0 to 1"),
        (-MASK, "from -1 to 0|from -1 to -0"),
        (np.where(LEVELS > 0, np.inf, 0), "to inf; wanted 0 to 1"),
        (MASK.astype(complex), "complex128.*wanted numbers"),
        (MASK.astype(str), "wanted numbers"),
        (MASK.astype(object), "object.*wanted numbers"),
        (IMAGE, r"uint8 \(120, 90, 3\); wanted numbers \(H, W\)"),
        (MASK[:0], "wanted numbers"),
        (np.float32(1), "float32; give an array"),
        (MASK.T, r"mask is \(90, 120\), the photo \(120, 90\)"),
        ("nope.png", "nope.png does not exist"),
        (b"no picture", "is not a picture"),
        ([[0, 1]], "mask is a list; give an array"),
        (5, "mask is a int; give an array"),
        (PIL.Image.new("L", (9, 9), 255), r"mask is \(9, 9\), the photo \(120, 90\)"),
    ],
    ids=lambda one: one if isinstance(one, str) else type(one).__name__,
)
def test_masks_that_make_no_sense(mask: object, message: str) -> None:
    for call in MAKERS.values():
        with pytest.raises(InputError, match=message):
            call(IMAGE, mask=mask)


class TopHalf:
    """A fake model."""

    def probability(self, image: np.ndarray) -> np.ndarray:
        found = np.zeros(image.shape[:2], np.float32)
        found[: len(image) // 2] = 1
        return found


def test_every_function_takes_a_model(tmp_path: Path) -> None:
    model = TopHalf()
    half = standout.segment(IMAGE, model=model)
    assert half[0, 0] == 1 and half[-1, 0] == 0
    for call in MAKERS.values():
        assert np.array_equal(call(IMAGE, model=model), call(IMAGE, mask=half))
    tiny = standout.segment(IMAGE, model="standout-tiny", refine=False)
    assert tiny.max() > 0
    found = standout.segment(IMAGE, model="standout-tiny")
    assert np.array_equal(standout.cut(IMAGE, model="standout-tiny"), standout.cut(IMAGE, mask=found))
    path = tmp_path / "own.onnx"
    path.write_bytes((Path(standout.__file__).parent / "models" / "weights" / "standout-tiny.onnx").read_bytes())
    for given in (path, str(path), standout.Segmenter("standout-tiny")):
        assert np.array_equal(standout.segment(IMAGE, model=given, refine=False), tiny)


def test_a_model_file_that_changed_is_loaded_anew(tmp_path: Path) -> None:
    weights = Path(standout.__file__).parent / "models" / "weights"
    path = tmp_path / "own.onnx"
    path.write_bytes((weights / "standout-tiny.onnx").read_bytes())
    tiny = standout.segment(IMAGE, model=path, refine=False)
    path.write_bytes((weights / "standout-mobile.onnx").read_bytes())
    os.utime(path, ns=(1, 1))
    assert not np.array_equal(standout.segment(IMAGE, model=path, refine=False), tiny)


@pytest.mark.parametrize("model", [3, None, object(), np.zeros(3)])
def test_things_that_are_no_model(model: object) -> None:
    for call in (standout.segment, *MAKERS.values()):
        with pytest.raises(InputError, match="give a name, the path of a model file, or a Segmenter"):
            call(IMAGE, model=model)
    with pytest.raises(standout.StandoutError):
        standout.cut(IMAGE, model="nope")
    with pytest.raises(InputError, match="a Segmenter has its own"):
        standout.segment(IMAGE, model=TopHalf(), device="cpu")


def test_any_edit_is_done() -> None:
    edit = Edit(effects.Blur(0.8), People("largest"), Edge(feather=2), Placement(crop=True))
    half = standout.segment(IMAGE, model=TopHalf())
    picture = standout.edit(IMAGE, edit, mask=half)
    whole = standout.edit(IMAGE, replace(edit, placement=Placement()), mask=half)
    assert picture.shape[0] < whole.shape[0] == IMAGE.shape[0]
    for effect in (effects.Blur(0.8), Edit(effects.Blur(0.8))):
        np.testing.assert_array_equal(
            standout.edit(IMAGE, effect, mask=half), standout.blur(IMAGE, mask=half, strength=0.8)
        )
    assert standout.edit(IMAGE, effects.Matte(), mask=half).shape == (*IMAGE.shape[:2], 1)
    with pytest.raises(InputError, match="a clip goes behind clips alone"):
        standout.edit(IMAGE, effects.Replace("waves.mp4"), mask=half)


def test_a_clip_is_edited_into_a_file(tmp_path: Path) -> None:
    source, target = make(tmp_path / "in.mp4", Made([picture(n) for n in range(6)])), tmp_path / "out.mp4"
    told: list[tuple[int, int | None]] = []
    options = ClipOptions(excerpt=Excerpt(max_side=64))
    done = standout.clip(
        source, target, effects.Color("red"), model=TopHalf(), options=options,
        progress=lambda count, total: told.append((count, total)),
    )  # fmt: skip
    assert (done.frames, done.width, done.height) == (6, 64, 48) and told[-1] == (6, 6)
    with pytest.raises(OutputExists, match=r"out\.mp4 exists; give another target, or ClipOptions\(overwrite=True\)"):
        standout.clip(source, target, effects.Color("red"), model=TopHalf())
    with pytest.raises(InputError, match="clips cannot have crop, for people move"):
        cropped = Edit(effects.Color("red"), placement=Placement(crop=True))
        standout.clip(source, tmp_path / "crop.mp4", cropped, model=TopHalf())
    assert not (tmp_path / "crop.mp4").exists()
    with pytest.raises(InputError, match="cannot hold the transparency"):
        standout.clip(source, tmp_path / "cut.mp4", effects.Cut(), model=TopHalf())


def test_a_bulk_run_and_its_ledger(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    source, out, ledger = tmp_path / "in", tmp_path / "out", tmp_path / "ledger"
    source.mkdir()
    standout.write(source / "a.jpg", IMAGE)
    (source / "broken.jpg").write_bytes(b"no picture")
    summary = standout.bulk(source, out, effects.Color("red"), ledger=ledger, model="standout-tiny")
    assert (summary.done, summary.failed) == (1, 1) and [path.name for path in out.iterdir()] == ["a.jpg"]
    assert sorted(parquet.read_table(ledger)["status"].to_pylist()) == ["done", "failed"]
    standout.write(source / "broken.jpg", IMAGE, overwrite=True)
    assert standout.bulk(source, out, effects.Color("red"), ledger=ledger, model="standout-tiny").failed_before == 1
    assert standout.bulk(source, out, effects.Color("red"), ledger=ledger, model="standout-tiny", retry=True).done == 1
    parts = [standout.bulk(source, tmp_path / "2", Edit(), ledger=tmp_path / "l", shards=f"{n}/2").done for n in (1, 2)]
    assert sum(parts) == 2


def test_a_folder_is_edited_into_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    (folder / "more").mkdir(parents=True)
    for name in ("a.png", "more/b.png"):
        standout.write(folder / name, IMAGE)
    make(folder / "c.mp4", Made([picture(n) for n in range(3)]))
    (folder / "broken.jpg").write_bytes(b"no picture")
    told: list[str] = []
    summary = standout.folder(
        folder, out, effects.Color("red"), model=TopHalf(), recursive=True,
        progress=lambda result: told.append(result.status),
    )  # fmt: skip
    assert sorted(told) == ["done", "done", "done", "failed"] and summary.done == 3
    assert (out / "more" / "b.png").is_file() and (out / "c.mp4").is_file()
    assert standout.folder(folder, out, effects.Color("red"), model=TopHalf(), recursive=True).kept == 3
    (folder / "broken.jpg").unlink()
    monkeypatch.setattr("standout.api.Segmenter", None)  # no model is loaded where nothing is left to do
    assert standout.folder(folder, out, effects.Color("red"), recursive=True).kept == 3
