"""Brush, undo, people, zoom and training pairs, at a server whose model finds what is red, so that pixels are known."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from standout.data import find_pairs, read_pair
from tests.serve.page.conftest import HEIGHT, LEFT, RIGHT, WIDTH, Visit, Visits, two_people

pytestmark = pytest.mark.slow

EMPTY = (200, 30)
"""x and y of a place where nobody is."""
INSIDE = (90, 150)
"""x and y of a place within the left person."""


def box(mask: np.ndarray, part: tuple[int, int, int, int]) -> np.ndarray:
    top, left, bottom, right = part
    return mask[top:bottom, left:right]


@pytest.fixture
def page(red: str, visit: Visits) -> Visit:
    made = visit(red).open()
    made.photo(("people.png", two_people()))
    return made


def expected() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for part in (LEFT, RIGHT):
        box(mask, part)[:] = 255
    return mask


def test_the_mask_is_the_models(page: Visit) -> None:
    found = page.mask()
    assert np.abs(found.astype(int) - expected()).mean() < 1


def test_brush_undo_redo(page: Visit) -> None:
    before = page.mask()
    page.choose("tool", "keep")
    page.drag(EMPTY, (EMPTY[0] + 40, EMPTY[1]))
    page.choose("tool", "erase")
    page.drag(INSIDE, (INSIDE[0], INSIDE[1] + 20))
    after = page.mask()
    assert after[EMPTY[1], EMPTY[0]] == 255 and after[EMPTY[1], EMPTY[0] + 40] == 255
    assert after[INSIDE[1], INSIDE[0]] == 0 and after[INSIDE[1] + 20, INSIDE[0]] == 0
    changed = (after != before).nonzero()
    assert changed[0].min() > 5 and (after[:, :20] == before[:, :20]).all(), "only what was painted over changes"
    page.page.keyboard.press("Control+z")
    once = page.mask()
    assert once[INSIDE[1], INSIDE[0]] == 255 and once[EMPTY[1], EMPTY[0]] == 255
    page.page.click("#undo")
    assert (page.mask() == before).all() and page.page.is_disabled("#undo")
    page.page.keyboard.press("Control+Shift+z")
    page.page.click("#redo")
    assert (page.mask() == after).all() and page.page.is_disabled("#redo")


@pytest.mark.parametrize("how", ["right", "alt"])
def test_the_brush_erases_with_alt_and_with_the_right_button(page: Visit, how: str) -> None:
    page.choose("tool", "keep")
    if how == "alt":
        page.page.keyboard.down("Alt")
    page.drag(INSIDE, INSIDE, button="right" if how == "right" else "left")
    if how == "alt":
        page.page.keyboard.up("Alt")
    assert page.mask()[INSIDE[1], INSIDE[0]] == 0


def test_a_soft_brush_has_a_soft_edge_and_a_hard_one_has_none(page: Visit) -> None:
    shares = []
    for softness in ("1", "0"):
        page.choose("tool", "keep")
        page.page.locator("#brush-options input").last.fill(softness)
        page.drag(EMPTY, EMPTY)
        mask = page.mask()[: LEFT[0], 140:250]
        shares.append(float(((mask > 0) & (mask < 255)).sum() / (mask > 0).sum()))
        page.page.keyboard.press("Control+z")
    assert shares[0] > 0.8 and shares[1] < 0.3


def test_the_brush_follows_the_keyboard(page: Visit) -> None:
    page.page.focus("#canvas")
    page.page.keyboard.press("b")
    assert page.page.is_checked("[name=tool][value=keep]")
    page.page.keyboard.press("Shift+ArrowUp")
    page.page.keyboard.press("Space")
    assert page.mask()[:, LEFT[3] + 30 : RIGHT[1] - 30].max() == 255, "it begins in the middle, where nobody is"
    page.page.focus("#canvas")
    page.page.keyboard.press("Alt+Space")
    assert page.mask()[:, LEFT[3] + 30 : RIGHT[1] - 30].max() < 80, "erased where it was painted, but for the soft rim"
    for _ in range(3):
        page.page.keyboard.press("]")
    assert page.text("#brush-options output") != "40 px"


def test_click_a_person_away_and_back(page: Visit) -> None:
    before = page.mask()
    page.choose("tool", "people")
    page.page.mouse.click(*page.place(RIGHT[1] + 30, RIGHT[0] + 40))
    assert page.text(".person[data-id='2'] strong") == "Left out"
    away = page.mask()
    assert box(away, RIGHT).max() == 0 and (box(away, LEFT) == box(before, LEFT)).all()
    page.page.mouse.click(*page.place(RIGHT[1] + 30, RIGHT[0] + 40))
    assert (page.mask() == before).all() and page.text(".person[data-id='2'] strong") == "Kept"
    page.page.keyboard.press("Control+z")
    page.page.keyboard.press("Control+z")
    assert (page.mask() == before).all()
    page.page.mouse.click(*page.place(*EMPTY))
    assert (page.mask() == before).all(), "a click beside the people changes nothing"


def test_the_list_of_people_does_the_same(page: Visit) -> None:
    before = page.mask()
    first = page.page.locator(".person").first
    assert first.inner_text().split() == ["Person", "1", "left", "Kept"]
    first.focus()
    page.page.keyboard.press("Enter")
    assert page.page.locator(".person").first.get_attribute("aria-pressed") == "false"
    assert page.page.evaluate("document.activeElement.dataset.id") == "1", "the focus stays"
    assert box(page.mask(), LEFT).max() == 0
    page.page.locator(".person").first.focus()
    page.page.keyboard.press("Space")
    assert (page.mask() == before).all()


def test_what_was_erased_stays_erased_when_a_person_comes_back(page: Visit) -> None:
    page.choose("tool", "erase")
    page.drag(INSIDE, INSIDE)
    painted = page.mask()
    for _ in range(2):
        page.page.locator(".person").first.click()
    assert (page.mask() == painted).all()


def test_zoom_to_the_pixel_and_move(page: Visit) -> None:
    x, y = (float(int(place)) for place in page.place(*INSIDE))  # wheels tell whole pixels of the window
    spot = page.photo_place(x, y)
    page.page.mouse.move(x, y)
    for _ in range(12):
        page.page.mouse.wheel(0, -200)
    page.page.wait_for_selector("#canvas[data-zoomed=true]")
    assert page.place(*spot) == pytest.approx((x, y), abs=0.5), "what lies under the pointer stays there"
    page.page.keyboard.down("Space")
    page.page.mouse.down()
    page.page.mouse.move(x + 60, y + 30, steps=3)
    page.page.mouse.up()
    page.page.keyboard.up("Space")
    assert page.place(*spot) == pytest.approx((x + 60, y + 30), abs=0.5)
    page.choose("tool", "erase")
    page.page.locator("#brush-options input").first.fill("4")
    page.drag(spot, spot)
    assert 0 < (page.mask() != expected()).sum() < 40, "zoomed in, the brush is as fine as a pixel"
    page.page.keyboard.press("0")
    assert page.page.get_attribute("#canvas", "data-zoomed") == "false"
    page.page.keyboard.press("1")
    page.page.wait_for_selector("#zoom-percent:has-text('100 %')")
    page.page.keyboard.press("+")
    page.page.wait_for_selector("#zoom-percent:has-text('140 %')")


def test_two_fingers_zoom_and_take_back_what_one_has_painted(page: Visit) -> None:
    before = page.mask()
    page.choose("tool", "erase")
    (x, y), wide = page.place(*INSIDE), page.text("#zoom-percent")
    session = page.page.context.new_cdp_session(page.page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": x + dx, "y": y + dy, "id": rank} for rank, (dx, dy) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    touch("touchStart", (0, 0))
    touch("touchMove", (8, 8))
    touch("touchStart", (8, 8), (60, 60))
    touch("touchMove", (-40, -40), (140, 140))
    touch("touchEnd")
    page.page.wait_for_selector("#canvas[data-zoomed=true]")
    assert page.text("#zoom-percent") != wide
    assert (page.mask() == before).all()


def test_corrections_are_training_pairs(page: Visit, tmp_path: Path) -> None:
    """The package's own reader of training data takes them as they are."""
    assert page.page.is_disabled("#save-pairs"), "nothing was corrected yet"
    page.choose("tool", "keep")
    page.drag(EMPTY, EMPTY)
    mask = page.mask()
    page.page.click("summary:has-text('Corrections')")
    name, data = page.saved("#save-pairs")
    assert name == "standout-pairs.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert packed.testzip() is None and packed.namelist() == ["images/people.png", "masks/people.png"]
        assert packed.read("images/people.png") == two_people()
        packed.extractall(tmp_path)
    (pair,) = find_pairs(tmp_path)
    image, truth = read_pair(pair)
    assert image.shape == (HEIGHT, WIDTH, 3) and (truth == np.where(mask == 128, 127, mask)).all()


def test_leaving_with_corrections_that_are_not_saved_asks_first(page: Visit) -> None:
    asked = []
    page.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.choose("tool", "keep")
    page.drag(EMPTY, EMPTY)
    page.page.reload()
    page.page.wait_for_selector("body[data-ready=true]")
    assert asked == ["beforeunload"]
    page.photo(("people.png", two_people()))
    page.choose("tool", "keep")
    page.drag(EMPTY, EMPTY)
    page.saved("#download")
    page.page.reload()
    page.page.wait_for_selector("body[data-ready=true]")
    assert asked == ["beforeunload"], "what was saved can be left"


def test_masks_that_are_packed_away_come_back_as_they_were(page: Visit) -> None:
    page.choose("tool", "keep")
    page.drag(EMPTY, EMPTY)
    page.page.locator(".person").first.click()
    same = page.page.evaluate(
        """async () => {
            const { app } = await import("/js/app.js");
            const { mask } = app.current;
            const before = [mask.alpha.slice(), mask.dropped.slice()];
            mask.isUsed = false;
            await mask.park();
            const packed = mask.alpha.length;
            await mask.awake();
            mask.isUsed = true;
            const isSame = (a, b) => a.length === b.length && a.every((level, at) => level === b[at]);
            return packed === 0 && isSame(before[0], mask.alpha) && isSame(before[1], mask.dropped)
                && mask.levels.data === mask.alpha;
        }"""
    )
    assert same
    for _ in range(2):
        page.page.keyboard.press("Control+z")
    assert np.abs(page.mask().astype(int) - expected()).mean() < 1
