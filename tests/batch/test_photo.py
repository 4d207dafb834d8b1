import weakref
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from standout import images, masks
from standout.batch import run
from standout.batch.hand_masks import by_hand
from standout.batch.photo import Outcome, PhotoJob, by_model, by_model_once
from standout.batch.plan import Naming, Task, plan
from standout.editing import Edit, Placement
from standout.effects import Blur, Matte
from standout.errors import InputError, UnclearMask
from standout.types import Mask, Photo
from tests.conftest import SAMPLE
from tests.fakes import CUT, WORK, photo_job, tasks


def one(work: PhotoJob, out: str | None = None, *, naming: Naming = CUT) -> tuple[np.ndarray, Outcome]:
    (task,) = plan(["pics/p0.jpg"], out, naming=naming)
    outcome = work(task)
    return cv2.imread(str(task.target), cv2.IMREAD_UNCHANGED), outcome


def test_crop_leaves_a_small_margin(pics: Path) -> None:
    picture, outcome = one(photo_job(crop=True))
    assert picture.shape == (60, 21, 4)
    assert (outcome.width, outcome.height) == (40, 60), "the photo's own size is reported"
    nobody = Edit(placement=Placement(crop=True)).of_photo(
        Photo(np.zeros((5, 5, 3), np.uint8)), np.zeros((5, 5), np.float32)
    )
    assert nobody.picture.shape == (5, 5, 4)


def test_feather_softens_and_keep_largest_drops(pics: Path) -> None:
    picture, _ = one(photo_job(feather=4), "soft.png")
    assert len(np.unique(picture[30, :, 3])) > 4

    def two(task: Task, photo: Photo) -> Mask:
        mask = np.zeros(photo.image.shape[:2], np.float32)
        mask[5:50, 2:20], mask[5:15, 30:38] = 1, 1
        return mask

    picture, outcome = one(photo_job(two, which="largest"), "one.png")
    assert picture[10, 10, 3] == 255 and not picture[:, 28:, 3].any()
    assert outcome.person_share == pytest.approx(45 * 18 / 2400)


def test_masks_made_by_hand(pics: Path) -> None:
    by = np.zeros((60, 40), np.uint8)
    by[:30] = 255
    cv2.imwrite("grey.png", by)
    cv2.imwrite("alpha.png", np.dstack([np.full((60, 40, 3), 77, np.uint8), by]))
    cv2.imwrite("grey.jpg", by)
    cv2.imwrite("deep.png", by.astype(np.uint16) * 257)
    for name in ("grey.png", "alpha.png", "grey.jpg", "deep.png"):
        picture, outcome = one(photo_job(by_hand(Path(name)), overwrite=True))
        assert (picture[:29, :, 3] > 250).all() and (picture[31:, :, 3] < 5).all(), name
        assert outcome.person_share == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("name", ["p0.png", "p0.jpg.png", "p0-mask.png", "p0.webp"])
def test_masks_in_a_folder_are_named_like_their_photos(pics: Path, name: str) -> None:
    Path("masks").mkdir()
    cv2.imwrite(f"masks/{name}", np.full((60, 40), 255, np.uint8))
    _, outcome = one(photo_job(by_hand(Path("masks"))))
    assert outcome.person_share == 1


def test_masks_in_a_tree_are_found_in_their_place_first(pics: Path) -> None:
    Path("masks/sub").mkdir(parents=True)
    cv2.imwrite("masks/p5.png", np.zeros((60, 40), np.uint8))
    cv2.imwrite("masks/sub/p5.png", np.full((60, 40), 255, np.uint8))
    summary = run.run(tasks(), photo_job(by_hand(Path("masks"))))
    assert summary.done == 1 and not summary.warned
    assert "masks has no mask for pics/p0.jpg; wanted p0.png" in str(sorted(r.error or "" for r in summary.failed))


def test_masks_that_do_not_fit(pics: Path) -> None:
    cv2.imwrite("small.png", np.zeros((30, 20), np.uint8))
    with pytest.raises(InputError, match=r"small.png is 20x30 but pics.p0.jpg is 40x60"):
        one(photo_job(by_hand(Path("small.png"))))
    with pytest.raises(UnclearMask, match=r"p1\.jpg"):
        one(photo_job(by_hand(Path("pics/p1.jpg"))))
    with pytest.raises(InputError, match=r"nope\.png does not exist"):
        by_hand(Path("nope.png"))


def test_a_photo_keeps_its_own_transparency(pics: Path) -> None:
    rgba = np.full((60, 40, 4), 200, np.uint8)
    rgba[:, :10, 3], rgba[:, 10:, 3] = 0, 255
    cv2.imwrite("pics/p0.png", rgba)

    def run(work: PhotoJob, out: str, naming: Naming) -> np.ndarray:
        (task,) = plan(["pics/p0.png"], out, naming=naming)
        work(task)
        return cv2.imread(out, cv2.IMREAD_UNCHANGED)

    cut = run(WORK, "cut.png", CUT)
    assert not cut[:, :10, 3].any() and (cut[:, 10:20, 3] == 255).all() and not cut[:, 20:, 3].any()
    through = photo_job(effect=Blur())
    assert (run(through, "blur.png", Naming("-blur"))[..., 3] == rgba[..., 3]).all()
    flat = run(through, "blur.jpg", Naming("-blur"))
    assert flat.shape == (60, 40, 3) and (flat[:, :5] > 250).all() and (flat[:, 15:] < 210).all()


def test_a_mask_carries_no_exif_or_profile(pics: Path) -> None:
    image = images.read("pics/p0.jpg")
    data = images.encode(image.image, ".jpg", meta=images.read("pics/p0.jpg").meta)
    Path("pics/p0.jpg").write_bytes(data)
    one(photo_job(effect=Matte()), "m.png", naming=Naming("-mask"))
    meta = images.read("m.png").meta
    assert meta.exif is None and meta.icc is None


HALF = np.zeros((60, 40), np.uint8)
HALF[:30] = 1


def indexed(values: np.ndarray, *colors: tuple[int, int, int]) -> Image.Image:
    picture = Image.fromarray(values, "P")
    picture.putpalette([level for color in colors for level in color])
    return picture


@pytest.mark.parametrize(
    "mask",
    [
        Image.fromarray(HALF),
        Image.fromarray(HALF.astype(bool)),
        Image.fromarray(HALF.astype(np.uint16)),
        Image.fromarray(HALF.astype(np.uint16) * 255),
        Image.fromarray(HALF.astype(np.uint16) * 65535),
        indexed(HALF, (0, 0, 0), (128, 0, 0)),
        Image.fromarray(np.dstack([HALF * 255, HALF * 0, HALF * 0])),
        Image.fromarray(np.dstack([np.full((60, 40, 3), 96, np.uint8), HALF])),
    ],
    ids=["0 and 1", "1 bit", "16 bits, 0 and 1", "16 bits, 0 and 255", "16 bits", "palette", "red", "alpha, 0 and 1"],
)
def test_masks_by_hand_of_other_kinds_are_read_right(pics: Path, mask: Image.Image) -> None:
    mask.save("m.png")
    picture, outcome = one(photo_job(by_hand(Path("m.png"))))
    assert outcome.person_share == 0.5 and (picture[:30, :, 3] == 255).all() and not picture[30:, :, 3].any()


def test_every_level_of_a_mask_by_hand_is_a_share(pics: Path) -> None:
    soft = np.repeat(np.linspace(0, 255, 60).astype(np.uint8)[:, None], 40, 1)
    soft[20:40] = 128
    cv2.imwrite("m.png", soft)
    picture, _ = one(photo_job(by_hand(Path("m.png"))))
    assert (picture[..., 3] == soft).all()


def test_masks_by_hand_with_class_numbers_are_refused(pics: Path) -> None:
    cv2.imwrite("m.png", HALF * 15)
    with pytest.raises(UnclearMask, match=r"m\.png"):
        one(photo_job(by_hand(Path("m.png"))))


@pytest.mark.parametrize("tint", [(1, 0.8, 0.6), (1, 0.95, 0.85), (0.5, 0.5, 1), (1, 0.2, 0.2)])
def test_a_photo_in_one_tint_is_no_mask_by_hand(pics: Path, tint: tuple[float, float, float]) -> None:
    gray = cv2.cvtColor(cv2.imread(str(SAMPLE)), cv2.COLOR_BGR2GRAY)
    cv2.imwrite("m.jpg", cv2.resize(gray, (40, 60))[..., None] * np.array(tint[::-1]))
    with pytest.raises(UnclearMask, match=r"m\.jpg"):
        one(photo_job(by_hand(Path("m.jpg"))))


class Everybody:
    """A finder that calls the left half of every image a person."""

    def probability(self, image: np.ndarray) -> Mask:
        mask = np.zeros((32, 24), np.float32)
        mask[:, :12] = 1
        return mask


def test_a_single_photo_lets_the_model_go_before_full_size_work(pics: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finder = Everybody()
    there = weakref.ref(finder)
    photo = images.read("pics/p0.jpg")
    (task,) = plan(["pics/p0.jpg"], None, naming=CUT)
    wanted = by_model(finder)(task, photo)
    source = by_model_once(finder)
    del finder
    assert there() is not None
    seen = []

    def full_size(coarse: Mask, image: np.ndarray, *, refined: bool) -> Mask:
        seen.append(there())
        return masks.full_size.full_size(coarse, image, refined=refined)

    monkeypatch.setattr("standout.batch.photo.full_size", full_size)
    found = source(task, photo)
    assert seen == [None], "the model was still there"
    np.testing.assert_array_equal(found.mask, wanted.mask)


def test_a_photo_is_let_go_before_its_result_is_encoded(pics: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = images.read("pics/p0.jpg")
    there = weakref.ref(photo.image)
    given = [photo]
    del photo
    (task,) = plan(["pics/p0.jpg"], None, naming=CUT)
    seen = []

    def encode(*parts: object, **named: object) -> bytes:
        seen.append(there())
        return b"done"

    monkeypatch.setattr(images, "encode", encode)
    PhotoJob(by_model(Everybody()), Edit(), read=lambda task: given.pop())(task)
    assert seen == [None], "the photo was still there"
    assert task.target.read_bytes() == b"done"
