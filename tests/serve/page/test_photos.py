"""The page with the bundled model: photos come in, are compared and edited, and go out."""

import base64
import io
import json
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from standout import images
from standout.editing import Edit
from tests.conftest import SAMPLE
from tests.serve.page.conftest import DESKTOP, Visit, Visits, pixels, two_people
from tests.waiting import LIMIT, until

pytestmark = pytest.mark.slow


def posted(url: str, path: str, accept: str, **fields: bytes) -> bytes:
    """The answer to a form whose fields are files, but for the edit."""
    body = b"".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"'.encode()
        + (b"" if name == "edit" else b"; filename=a")
        + b"\r\n\r\n%b\r\n" % data
        for name, data in fields.items()
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Accept": accept}
    request = urllib.request.Request(f"{url}{path}", body + b"--b--\r\n", headers)
    with urllib.request.urlopen(request, timeout=LIMIT) as answer:
        return bytes(answer.read())


def edited(url: str, edit: dict[str, Any], *, accept: str = "image/png", is_exact: bool = True) -> np.ndarray:
    """What POST /v1/edit gives for the sample photo. is_exact: of the mask in 256 levels, which pages get."""
    photo = SAMPLE.read_bytes()
    mask = {"mask": posted(url, "v1/mask", "image/png", image=photo)} if is_exact else {}
    return pixels(posted(url, "v1/edit", accept, image=photo, edit=json.dumps(edit).encode(), **mask))


def transfer(visit: Visit, name: str, data: bytes, kind: str) -> Any:
    """A DataTransfer with a file."""
    return visit.page.evaluate_handle(
        """([name, data, type]) => {
            const transfer = new DataTransfer();
            const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
            transfer.items.add(new File([bytes], name, { type }));
            return transfer;
        }""",
        [name, base64.b64encode(data).decode(), kind],
    )


def test_drop(real: str, visit: Visits, astronaut: tuple[str, bytes]) -> None:
    page = visit(real).open()
    moved = {"dataTransfer": transfer(page, *astronaut, "image/jpeg")}
    page.page.dispatch_event("body", "dragenter", moved)
    assert page.page.locator(".dropping").is_visible(), "it says that files can be dropped"
    page.page.dispatch_event("body", "dragover", moved)
    page.page.dispatch_event("main", "drop", moved)
    page.shown()
    assert not page.page.locator(".dropping").is_visible()
    assert page.page.get_attribute(".pick", "aria-label") == "astronaut.jpg: Done"


def test_paste(real: str, visit: Visits, astronaut: tuple[str, bytes]) -> None:
    page = visit(real).open()
    page.page.evaluate(
        "(clipboardData) => document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }))",
        transfer(page, "image.png", images_png(), "image/png"),
    )
    page.shown()
    assert "pasted-1.png: Done" in page.page.get_attribute(".pick", "aria-label")


def images_png() -> bytes:
    made = io.BytesIO()
    with Image.open(SAMPLE) as picture:
        picture.resize((256, 256)).save(made, "PNG")
    return made.getvalue()


def test_the_sample_is_one_click_away(real: str, visit: Visits) -> None:
    page = visit(real).open()
    page.page.click("#sample")
    page.shown()
    cut = page.picture()
    assert cut.shape == (512, 512, 4) and cut[150, 215, 3] == 255 and cut[25, 460, 3] == 0, "face and wall"


def test_compare_with_mouse_and_keys(real: str, visit: Visits, astronaut: tuple[str, bytes]) -> None:
    page = visit(real).open()
    page.photo(astronaut)
    knob = page.page.locator("#compare-knob")
    wall = page.place(460, 25)

    def is_photo() -> bool:
        """Whether the wall is drawn as it is in the photo, not as the checkerboard."""
        return bool(
            page.page.evaluate(
                """async ([x, y]) => {
                    const { stage } = await import("/js/main.js");
                    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
                    const box = stage.canvas.getBoundingClientRect();
                    const { data } = stage.canvas.getContext("2d").getImageData(x - box.left, y - box.top, 1, 1);
                    return Math.max(...data.slice(0, 3)) - Math.min(...data.slice(0, 3)) > 12;
                }""",
                list(wall),
            )
        )

    assert knob.get_attribute("aria-valuenow") == "0" and not is_photo()
    knob.press("End")
    assert knob.get_attribute("aria-valuenow") == "100" and is_photo()
    knob.press("Home")
    for _ in range(5):
        knob.press("Shift+ArrowRight")
    assert knob.get_attribute("aria-valuetext") == "50 % before, 50 % after" and not is_photo()
    box = knob.bounding_box()
    page.page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.page.mouse.down()
    page.page.mouse.move(wall[0] + 20, wall[1], steps=3)
    page.page.mouse.up()
    assert int(knob.get_attribute("aria-valuenow")) > 85 and is_photo()


def test_what_is_downloaded_is_what_the_server_makes(real: str, visit: Visits, astronaut: tuple[str, bytes]) -> None:
    """At full size, to the pixel, for every effect that needs no picture, and in every format."""
    page = visit(real).open()
    page.photo(astronaut)
    for effect in ("cut", "blur", "color", "pixelate", "lens", "gradient", "checker", "mask"):
        page.choose("effect", effect)
        result, edit = page.picture(), {"effect": {"name": effect}}
        assert (result == edited(real, edit)).all(), effect
        found = edited(real, edit, is_exact=False)
        assert np.abs(result.astype(int) - found).mean() < 0.5, "256 levels of the mask are enough"
    page.choose("effect", "blur")
    page.page.locator("#settings input[type=range]").fill("0.9")
    edit = {"effect": {"name": "blur", "strength": 0.9}}
    for kind in ("image/jpeg", "image/webp", "image/avif"):
        assert (page.picture(kind) == edited(real, edit, accept=kind)).all(), kind
    page.choose("frame", "people")
    cropped = page.picture()
    assert (cropped == edited(real, edit | {"placement": {"crop": True}})).all()
    assert cropped.shape[1] < 512


def test_controls_are_applied(real: str, visit: Visits, astronaut: tuple[str, bytes]) -> None:
    page = visit(real).open()
    page.photo(astronaut)
    page.choose("effect", "color")
    page.page.fill("#settings input[type=text]", "no color")
    assert page.page.get_attribute("#settings input[type=text]", "aria-invalid") == "true"
    page.page.fill("#settings input[type=text]", "#00ff00")
    assert tuple(page.picture()[25, 460]) == (0, 255, 0)
    page.page.click(".swatch[aria-label=Sky]")
    assert tuple(page.picture()[25, 460]) == (0xBF, 0xE0, 0xFF)
    page.page.click("summary:has-text('Edge')")
    page.page.locator("#edge input").first.fill("12")
    found = Edit.from_dict({"edge": {"grow": 12.0}, "effect": {"name": "mask"}})
    grown = page.mask()
    assert grown.mean() > edited(real, {"effect": {"name": "mask"}}).mean() + 3
    assert found.edge.grow == 12


def test_backgrounds(real: str, visit: Visits, astronaut: tuple[str, bytes]) -> None:
    page = visit(real).open()
    page.photo(astronaut)
    page.choose("effect", "replace")
    page.page.click(".tile[data-name=sea]")
    page.page.wait_for_selector(".tile[data-name=sea][aria-pressed=true]")
    page.shown()
    sky = page.picture()[25, 460].astype(int)
    assert sky[2] > sky[0] + 40, "it is blue"
    with page.page.expect_file_chooser() as chooser:
        page.page.click(".tile.own")
    chooser.value.set_files({"name": "green.png", "mimeType": "image/png", "buffer": green()})
    page.page.wait_for_selector(".tile.own[aria-pressed=true]")
    page.shown()
    assert tuple(page.picture()[25, 460]) == (0, 255, 0)


def green() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (8, 8), (0, 255, 0)).save(made, "PNG")
    return made.getvalue()


@pytest.mark.parametrize(("frame", "shape"), [("1:1", 1.0), ("4:5", 0.8), ("16:9", 16 / 9), ("35:45", 35 / 45)])
def test_frames(real: str, visit: Visits, astronaut: tuple[str, bytes], frame: str, shape: float) -> None:
    page = visit(real).open()
    page.photo(astronaut)
    page.choose("frame", frame)
    clear = page.picture()
    height, width = clear.shape[:2]
    assert abs(width / height - shape) < 0.01 and clear.shape[2] == 4
    columns = np.flatnonzero((clear[..., 3] > 25).any(0))
    assert abs((columns[0] + columns[-1]) / 2 - width / 2) < 0.02 * width, "the people are in the middle"
    page.choose("effect", "blur")
    blurred = page.picture()
    assert blurred.shape[0] <= 512 and blurred.shape[1] <= 512, "a blurred photo ends where the photo does"
    assert abs(blurred.shape[1] / blurred.shape[0] - shape) < 0.01
    assert blurred.shape[2] == 3 or blurred[..., 3].min() == 255
    assert page.picture("image/avif").shape[:2] == blurred.shape[:2]


def test_several_photos_as_a_zip(real: str, visit: Visits, astronaut: tuple[str, bytes]) -> None:
    page = visit(real).open()
    page.pick(astronaut, ("astronaut.jpg", astronaut[1]), ("people.png", two_people()))
    page.count(".cell[data-status=done]", 3)
    page.shown()
    name, data = page.saved("#download-all")
    assert name == "standout.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert packed.testzip() is None
        assert packed.namelist() == ["astronaut-cut.png", "astronaut-cut-2.png", "people-cut.png"]
        expected = edited(real, {})
        for one in packed.namelist()[:2]:
            assert (pixels(packed.read(one)) == expected).all()


def test_copy(real: str, visit: Visits, astronaut: tuple[str, bytes]) -> None:
    page = visit(real, permissions=["clipboard-read", "clipboard-write"], viewport=DESKTOP).open()
    page.photo(astronaut)
    page.page.click("#copy")
    page.page.wait_for_selector(".note:has-text('was copied')")
    size = page.page.evaluate(
        """async () => {
            const [item] = await navigator.clipboard.read();
            const bitmap = await createImageBitmap(await item.getType("image/png"));
            return [bitmap.width, bitmap.height];
        }"""
    )
    assert size == [512, 512]


def test_a_kind_that_the_browser_cannot_read(real: str, visit: Visits) -> None:
    """The server turns it into one that can be shown; the result is made of the file itself."""
    made = io.BytesIO()
    with Image.open(SAMPLE) as picture:
        picture.save(made, "TIFF")
    page = visit(real).open()
    page.photo(("astronaut.tiff", made.getvalue()))
    expected = Edit().of_photo(images.read(made.getvalue()), page.mask().astype(np.float32) / 255).picture
    assert np.abs(page.picture().astype(int) - expected).max() <= 1


@pytest.mark.parametrize("counts_down", [False, True])
def test_camera(real: str, visit: Visits, counts_down: bool) -> None:
    page = visit(real).open()
    page.page.click("[data-does=camera]:visible")
    page.page.wait_for_selector("#camera-shoot:enabled")
    assert page.page.get_attribute("#camera-video", "data-mirrored") == "true"
    page.page.uncheck("#camera-mirror")
    assert page.page.get_attribute("#camera-video", "data-mirrored") == "false"
    if counts_down:
        page.page.check("#camera-timer")
    page.page.click("#camera-shoot")
    if counts_down:
        page.page.wait_for_selector("#camera-count:has-text('1')")
    page.page.wait_for_selector(".cell[data-status=done]")
    assert page.page.get_attribute(".pick", "aria-label").startswith("camera-1.jpg: ")
    assert not page.page.evaluate("document.getElementById('camera-video').srcObject"), "the camera is off again"


def test_the_camera_can_be_closed(real: str, visit: Visits) -> None:
    page = visit(real).open()
    page.page.click("[data-does=camera]:visible")
    page.page.keyboard.press("Escape")
    assert page.page.is_visible("#empty-title") and not page.page.is_visible("#camera")


def test_a_folder(real: str, visit: Visits, astronaut: tuple[str, bytes], tmp_path: Path) -> None:
    """What is no picture is left out, and told of once."""
    (tmp_path / "trip" / "more").mkdir(parents=True)
    for name in ("trip/a.jpg", "trip/more/b.jpg"):
        (tmp_path / name).write_bytes(astronaut[1])
    for name in ("trip/notes.txt", "trip/.hidden"):
        (tmp_path / name).write_text("no picture")
    page = visit(real).open()
    with page.page.expect_file_chooser() as chooser:
        page.page.click("[data-does=folder]")
    chooser.value.set_files(tmp_path / "trip")
    page.count(".cell[data-status=done]", 2)
    assert page.text(".note p").startswith("One file of the folder was left out")


def test_one_look_for_all_photos_or_one_for_each(real: str, visit: Visits, astronaut: tuple[str, bytes]) -> None:
    page = visit(real).open()
    page.pick(astronaut, ("second.jpg", astronaut[1]))
    page.count(".cell[data-status=done]", 2)

    def effects() -> list[str]:
        found = []
        for pick in page.page.locator(".pick").all():
            pick.click()
            found.append(page.page.evaluate("document.querySelector('input[name=effect]:checked').value"))
        return found

    page.choose("effect", "blur")
    assert effects() == ["blur", "blur"]
    page.page.uncheck("#shared input")
    page.choose("effect", "mask")
    assert effects() == ["blur", "mask"]
    page.page.check("#shared input")
    assert effects() == ["mask", "mask"]


def test_zooming_in_asks_for_a_sharper_result(real: str, visit: Visits) -> None:
    made = io.BytesIO()
    with Image.open(SAMPLE) as picture:
        picture.resize((3000, 3000)).save(made, "JPEG")
    page = visit(real).open()
    page.photo(("large.jpg", made.getvalue()))
    width = """async () => {
        const { app } = await import("/js/app.js");
        return app.current.shown.bitmap.width;
    }"""
    assert page.page.evaluate(width) == 1400
    page.page.keyboard.press("1")
    until(lambda: page.page.evaluate(width) == 3000, "the result is as large as the photo")


PRIVATE = """
export async function create() {
  return {
    name: "private",
    formats: ["image/png"],
    files: [],
    effects: async () => [{ name: "blur", summary: "Blur.", settings: [], transparent: false, is_mask: false }],
    segment: async (photo) => {
      const { width, height } = await createImageBitmap(photo);
      return { width, height, data: new Uint8ClampedArray(width * height).fill(255) };
    },
    render: async (photo) => photo,
  };
}
"""


def test_in_private_mode_nothing_is_sent(real: str, visit: Visits, astronaut: tuple[str, bytes]) -> None:
    """With an engine that stands for the one in the browser, which has tests of its own."""
    page = visit(real, service_workers="block")
    page.page.route("**/config.json", lambda route: route.fulfill(json=route.fetch().json() | {"private": True}))
    page.page.route("**/private/engine.js", lambda route: route.fulfill(body=PRIVATE, content_type="text/javascript"))
    page.open()
    page.page.check("#private")
    page.page.wait_for_selector("body[data-engine=private]")
    sent: list[str] = []
    page.page.on("request", lambda request: request.method == "POST" and sent.append(request.url))
    page.photo(astronaut)
    assert page.saved("#download")[1] == astronaut[1]
    assert not sent
    assert page.page.locator("[name=effect]").count() == 1, "what the engine cannot do is not offered"
    page.page.uncheck("#private")
    page.page.wait_for_selector("body[data-engine=server]")
    assert page.page.locator("[name=effect]").count() > 3
