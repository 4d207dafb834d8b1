"""The page for everybody: by keyboard alone, on a phone, without a server, in light and dark, with a screen reader."""

import json
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.serve.page.conftest import PHONE, Visits, served, two_people

pytestmark = pytest.mark.slow

AXE = ROOT / ".clients" / "js" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => (await axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
})).violations.map(({ id, impact, help, nodes }) => ({ id, impact, help, nodes: nodes.map(({ html }) => html) }))"""


@pytest.fixture
def axe() -> str:
    if not AXE.exists():
        pytest.skip("needs axe-core; scripts/clients installs it")
    return AXE.read_text("utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_axe_finds_nothing(red: str, visit: Visits, axe: str, scheme: str, size: str) -> None:
    options: dict[str, Any] = {"viewport": PHONE} if size == "phone" else {}
    page = visit(red, color_scheme=scheme, **options)
    page.page.add_init_script(axe)
    page.open()
    assert page.page.evaluate("document.documentElement.dataset.theme") == scheme

    def check(state: str) -> None:
        found = page.page.evaluate(RUN)
        assert not found, f"{state}: {json.dumps(found, indent=1)}"

    check("empty")
    page.page.click("[data-opens=help]")
    check("help")
    page.page.keyboard.press("Escape")
    page.photo(("people.png", two_people()), ("notes.txt", b"hello"))
    check("loaded")
    page.choose("effect", "replace")
    page.shown()
    page.choose("tool", "keep")
    page.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    check("every control")
    page.page.click(".pick[aria-label^='notes.txt']")
    check("an error")
    page.page.click("[data-does=camera]:visible")
    page.page.wait_for_selector("#camera-shoot:enabled")
    check("camera")


def test_by_keyboard_alone(real: str, visit: Visits, astronaut: tuple[str, bytes]) -> None:
    """Add a photo, compare, choose an effect, change its strength, leave somebody out, take it back, download."""
    page = visit(real).open()
    keys = page.page.keyboard

    def go_to(selector: str, *, back: bool = False) -> None:
        """Presses Tab until the focus is there."""
        for _ in range(80):
            if page.page.evaluate("(one) => document.activeElement.matches(one)", selector):
                assert page.page.evaluate(
                    """() => {
                        const shown = document.activeElement.matches("input[type=radio]")
                            ? document.activeElement.parentElement : document.activeElement;
                        return getComputedStyle(shown).outlineStyle !== "none";
                    }"""
                ), "the focus is seen"
                return
            keys.press("Shift+Tab" if back else "Tab")
        raise AssertionError(f"Tab never came to {selector}")

    keys.press("Tab")
    assert page.page.evaluate("document.activeElement.className") == "skip"
    go_to("#pick")
    with page.page.expect_file_chooser() as chooser:
        keys.press("Enter")
    chooser.value.set_files({"name": astronaut[0], "mimeType": "image/jpeg", "buffer": astronaut[1]})
    page.shown()
    go_to("#compare-knob")
    keys.press("End")
    assert page.page.get_attribute("#compare-knob", "aria-valuenow") == "100"
    go_to("[name=effect]")
    keys.press("ArrowRight")
    assert page.page.is_checked("[name=effect][value=blur]")
    go_to("#settings input[type=range]")
    keys.press("End")
    page.shown()
    assert page.text("#settings output").startswith("1")
    go_to(".person")
    keys.press("Enter")
    assert page.page.get_attribute(".person", "aria-pressed") == "false"
    keys.press("Control+z")
    assert page.page.get_attribute(".person", "aria-pressed") == "true"
    go_to("#download")
    with page.page.expect_download() as download:
        keys.press("Enter")
    assert download.value.suggested_filename == "astronaut-blur.jpg"


def test_what_a_screen_reader_hears(real: str, visit: Visits, astronaut: tuple[str, bytes]) -> None:
    page = visit(real)
    page.page.add_init_script(
        """addEventListener("DOMContentLoaded", () => {
            globalThis.heard = [];
            const live = document.getElementById("live");
            new MutationObserver(() => heard.push(live.textContent.trim())).observe(live, { childList: true });
        })"""
    )
    page.open()
    page.photo(astronaut)
    page.page.locator(".person").first.click()
    heard = page.page.evaluate("heard")
    assert heard[0] == "astronaut.jpg was added." and "astronaut.jpg is done." in heard
    assert heard[-1].endswith(": left out.")


def test_on_a_phone(red: str, visit: Visits) -> None:
    page = visit(red, viewport=PHONE, has_touch=True, is_mobile=True, service_workers="block")
    page.page.route("**/config.json", lambda route: route.fulfill(json=route.fetch().json() | {"private": True}))
    page.open()

    def fits() -> bool:
        return bool(page.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"])

    assert fits() and page.page.is_visible("#private"), "with all that a server may offer"
    page.photo(("people.png", two_people()), ("more.png", two_people()))
    page.choose("effect", "replace")
    page.page.tap("summary:has-text('Edge')")
    assert fits()
    for selector in ("#undo", "#zoom-fit", "#download", "#copy", ".person", "[name=frame]", "#edge input"):
        one = page.page.locator(selector).first
        one.scroll_into_view_if_needed()
        box = one.bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"], selector
    for selector in ("#undo", "#download", ".card", ".tools label", ".gone"):
        box = page.page.locator(selector).first.bounding_box()
        assert box and min(box["width"], box["height"]) >= 24, f"{selector} is large enough for a finger"
    page.choose("frame", "1:1")
    page.shown()


def test_light_and_dark_by_a_switch_that_is_kept(red: str, visit: Visits) -> None:
    page = visit(red, color_scheme="light").open()
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.page.evaluate(ground)
    page.page.click("#theme")
    assert page.page.get_attribute("#theme", "aria-pressed") == "true"
    dark = page.page.evaluate(ground)
    assert dark != light
    page.page.reload()
    page.page.wait_for_selector("body[data-ready=true]")
    assert page.page.evaluate(ground) == dark


def test_offline_after_the_first_load(visit: Visits) -> None:
    with served("red") as (url, process):
        page = visit(url).open()
        page.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        process.kill()
        process.wait()
        page.page.reload()
        assert page.page.is_visible("#empty-title") and page.page.is_visible("#pick")
        page.page.wait_for_selector(".note.error:has-text('The server does not answer')")
        assert page.page.evaluate("document.styleSheets.length") == 1
        page.page.click("#theme")
        page.errors.clear()  # the browser tells of connections that were refused


def test_the_service_worker_keeps_every_file_of_the_page() -> None:
    from standout.serve import site

    worker = (site.PAGE / "sw.js").read_text("utf-8")
    files = {path.relative_to(site.PAGE).as_posix() for path in site.PAGE.rglob("*") if path.is_file()}
    files = {one for one in files if not one.startswith("private/")} - {"index.html", "sw.js"}
    listed = set(json.loads("[" + worker.partition("FILES = [")[2].partition("]")[0].strip().rstrip(",") + "]"))
    assert listed == files | {"", "config.json"}


def test_the_page_says_where_photos_go(red: str, visit: Visits) -> None:
    page = visit(red).open().page
    assert page.inner_text("#where") == "Your photos stay on this computer"
    told = page.evaluate("""async () => {
        const { whereabouts } = await import(new URL("js/http.js", location.href).href);
        const hosts = ["localhost", "127.0.0.1", "[::1]", "127.0.0.1.example", "photos.example", "192.168.0.7"];
        return [...hosts.map((host) => whereabouts(host, true)), whereabouts("photos.example", false)];
    }""")
    here = "Your photos stay on this computer"
    away = [
        f"Your photos go to {host}, and nowhere else" for host in ("127.0.0.1.example", "photos.example", "192.168.0.7")
    ]
    assert told == [here, here, here, *away, here]
