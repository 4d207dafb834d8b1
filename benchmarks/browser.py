"""How long private mode takes in Chromium: photos, and live pictures from a camera that plays a clip.

    .venv/bin/python benchmarks/browser.py [--clip ../shared/clips/again.mkv] [--seconds 20] [--first]

Needs what scripts/browser fetches, Playwright and Chromium. A photo's time is that of `segment`, from the JPEG file to
the refined mask. Of live pictures it tells the pictures a second, and how long the two workers take for each: one finds
the people, while the other draws the picture before. Beside the median stands the fastest of what was measured, which
other programs disturbed least. --first lets Chromium compute before other programs, on Linux and as root.
"""

from __future__ import annotations

import argparse
import base64
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from playwright.sync_api import Browser, sync_playwright

from standout import images
from standout.serve import export_site
from standout.video import open_clip

SAMPLE = Path(__file__).parent.parent / "examples" / "astronaut.jpg"
SIZES = {"512x512": (512, 512), "4000x3000": (3000, 4000)}
ROUNDS = 7
WIDTH, HEIGHT, FRAMES = 640, 480, 150
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--use-fake-device-for-media-stream")

TIMED = """async ([photo, rounds, threads]) => {
    const { load } = await import(new URL("standout.js", location.href).href);
    const segmenter = await load({ threads });
    const blob = new Blob([Uint8Array.from(atob(photo), (one) => one.charCodeAt(0))]);
    const took = [];
    for (let round = 0; round < rounds; round++) {
        const began = performance.now();
        await segmenter.segment(blob);
        took.push(performance.now() - began);
    }
    segmenter.close();
    return took.slice(2);
}"""


class Handler(SimpleHTTPRequestHandler):
    """Serves files with the headers by which pages may use threads."""

    def end_headers(self) -> None:
        """See BaseHTTPRequestHandler."""
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of the folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def put_first(browser_flag: str) -> None:
    """Gives all processes of the Chromium that was started with that flag the highest priority of their session."""
    known = {path: path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")}
    for path, command in known.items():
        if browser_flag.encode() in command and b"python" not in command:
            for session in {int(path.parent.name), *children(int(path.parent.name))}:
                Path(f"/proc/{session}/autogroup").write_text("-20")


def children(process: int) -> Iterator[int]:
    """The process's children, and theirs."""
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, path.read_text().split()):
            yield child
            yield from children(child)


def told(numbers: list[float]) -> str:
    """The median, and the fastest in brackets."""
    return f"{median(numbers):.0f} ({min(numbers):.0f})"


def photos(browser: Browser, url: str) -> None:
    """Prints the times of photos."""
    print("| photo | threads | ms, median (fastest) |\n|---|---|---|")
    sample = images.read(SAMPLE).image
    page = browser.new_page()
    page.goto(f"{url}/private/about.json")
    for name, (height, width) in SIZES.items():
        enlarged = np.asarray(cv2.resize(sample, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
        photo = images.encode(enlarged, ".jpg")
        for threads in (1, 2):
            took = page.evaluate(TIMED, [base64.b64encode(photo).decode(), ROUNDS, threads])
            print(f"| {name} | {threads} | {told(took)} |", flush=True)
    page.close()


def camera(clip: Path, to: Path) -> None:
    """Writes the clip's first frames in the format that Chromium's fake camera plays."""
    with open_clip(clip) as opened, to.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F30:1 Ip A1:1 C420jpeg\n".encode())
        for _, frame in zip(range(FRAMES), opened.frames(), strict=False):
            image = np.asarray(cv2.resize(frame.image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)
            file.write(b"FRAME\n" + cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420).tobytes())


def live(browser: Browser, url: str, seconds: int) -> None:
    """Prints the pace of live pictures."""
    print("\n| model | effect | pictures a second, median (most) | ms to find people | ms to draw |")
    print("|---|---|---|---|---|")
    page = browser.new_context(permissions=["camera"]).new_page()
    page.goto(f"{url}/private/live.html")
    page.click("#start")
    for model in ("standout-tiny", "standout-mobile"):
        page.select_option("[name=model]", model)
        for effect in ("blur", "color"):
            page.select_option("[name=effect]", effect)
            page.wait_for_timeout(4000)
            seen: dict[str, list[float]] = {"fps": [], "find": [], "make": []}
            for _ in range(seconds // 2):
                page.wait_for_timeout(2000)
                for name, numbers in seen.items():
                    numbers.append(float(page.get_attribute("#pace", f"data-{name}") or 0))
            rate = f"{median(seen['fps']):.1f} ({max(seen['fps']):.1f})"
            print(f"| {model} | {effect} | {rate} | {told(seen['find'])} | {told(seen['make'])} |", flush=True)


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--clip", type=Path, default=SAMPLE.parent.parent.parent / "shared" / "clips" / "again.mkv")
    parser.add_argument("--first", action="store_true", help="let Chromium compute before other programs")
    parser.add_argument("--seconds", type=int, default=20, help="for each effect (default: 20)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        played = Path(folder) / "camera.y4m"
        camera(given.clip, played)
        export_site.export(Path(folder) / "site")
        flag = f"--use-file-for-fake-video-capture={played}"
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=[*FLAGS, flag])
        browser.new_page().close()  # so that all its processes are there
        if given.first:
            put_first(flag)
        with served(Path(folder) / "site") as url:
            photos(browser, url)
            live(browser, url, given.seconds)
        browser.close()


if __name__ == "__main__":
    main()
