"""Where live pictures come from; OpenCV's cameras are fakes, as no test machine has one."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest

from standout.errors import InputError, UnreadableVideo
from standout.live import camera
from standout.live.camera import PATIENCE, open_camera
from standout.live.loop import Controls
from standout.serve.webcam.window import Window
from standout.video import stream
from tests.video.drawn import Made, make, picture
from tests.waiting import LIMIT


class Capture:
    """Stands in for cv2.VideoCapture. script: what reads give, None where one fails."""

    made: ClassVar[list[Capture]] = []
    script: ClassVar[list[np.ndarray | None]] = []
    there = True

    def __init__(self, which: int | str, backend: int = 0) -> None:
        self.which, self.backend = which, backend
        self.asked: dict[int, float] = {}
        self.released = False
        self.thread = threading.current_thread()
        self.left = list(self.script)
        self.made.append(self)

    def isOpened(self) -> bool:
        return self.there

    def set(self, what: int, value: float) -> bool:
        self.asked[what] = value
        return False  # cameras are free to refuse

    def read(self) -> tuple[bool, np.ndarray | None]:
        one = self.left.pop(0) if self.left else None
        return one is not None, one

    def release(self) -> None:
        self.released = True


@pytest.fixture(autouse=True)
def capture(monkeypatch: pytest.MonkeyPatch) -> type[Capture]:
    monkeypatch.setattr(camera, "sleep", lambda seconds: None)
    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    monkeypatch.setattr(Capture, "made", [])
    monkeypatch.setattr(Capture, "script", [])
    monkeypatch.setattr(Capture, "there", True)
    return Capture


def bgr(level: int) -> np.ndarray:
    return np.full((4, 6, 3), (0, 0, level), np.uint8)


def test_a_camera_by_number(capture: type[Capture]) -> None:
    capture.script = [bgr(10), bgr(20)]
    frames = open_camera("1", size=(1280, 720), rate=25.0)
    assert capture.made[0].which == 1 and capture.made[0].thread is threading.main_thread()
    assert [(image[0, 0].tolist(), image.shape, image.dtype) for image in (next(frames), next(frames))] == [
        ([10, 0, 0], (4, 6, 3), np.uint8),
        ([20, 0, 0], (4, 6, 3), np.uint8),
    ]
    asked = capture.made[0].asked
    assert (asked[cv2.CAP_PROP_FRAME_WIDTH], asked[cv2.CAP_PROP_FRAME_HEIGHT]) == (1280, 720)
    assert asked[cv2.CAP_PROP_FPS] == 25 and asked[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"MJPG")
    assert not capture.made[0].released
    frames.close()
    assert capture.made[0].released


def test_a_device_and_nothing_asked_of_it(capture: type[Capture], tmp_path: Path) -> None:
    capture.script = [bgr(1)]
    frames = open_camera("/dev/video3")
    next(frames)
    assert (capture.made[0].which, capture.made[0].backend, capture.made[0].asked) == ("/dev/video3", cv2.CAP_V4L2, {})


def test_a_camera_that_is_unplugged(capture: type[Capture]) -> None:
    """A damaged picture or two is no reason to end; silence is."""
    capture.script = [bgr(1), None, None, bgr(2), *[None] * PATIENCE, bgr(3)]
    frames = open_camera("0")
    assert [int(next(frames)[0, 0, 0]) for _ in range(2)] == [1, 2]
    with pytest.raises(InputError, match="camera 0 gives no more pictures; was it unplugged"):
        next(frames)
    assert capture.made[0].released


def test_no_such_camera(capture: type[Capture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    capture.there = False
    monkeypatch.setattr(camera.sys, "platform", "linux")
    monkeypatch.setattr(camera, "KNOWN_TO_LINUX", tmp_path)
    with pytest.raises(InputError, match=r"there is no camera 77, and this machine has none at all; a file or a URL"):
        open_camera("77")
    (tmp_path / "video2").mkdir()
    (tmp_path / "video2" / "name").write_text("Integrated Camera\n")
    with pytest.raises(InputError, match=r"no camera /dev/video77 \(there are /dev/video2 \(Integrated Camera\)\)"):
        open_camera("/dev/video77")
    assert all(one.released for one in capture.made)
    with pytest.raises(InputError, match=r"camera /dev/null cannot be opened; close the program that uses it"):
        open_camera("/dev/null")
    monkeypatch.setattr(camera.sys, "platform", "darwin")
    with pytest.raises(InputError, match="numbers start at 0, and the privacy settings of the system"):
        open_camera("0")


def test_a_file_plays_at_its_own_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(pictures=[picture(n) for n in range(10)], rate=Fraction(20), base=Fraction(1, 20))
    clip = make(tmp_path / "clip.mp4", made)
    now = [100.0]
    monkeypatch.setattr(camera, "monotonic", lambda: now[0])
    monkeypatch.setattr(camera, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    images, times = [], []
    for image in open_camera(str(clip)):
        images.append(image)
        times.append(now[0] - 100)
        now[0] += 0.01  # a program that is at work for less than a frame's time does not put the next one off
    assert times == pytest.approx([n / 20 for n in range(10)])
    assert np.abs(images[4].astype(int) - picture(4)).mean() < 5


@pytest.mark.parametrize("name", ["gone.mp4", ".", "text.mp4"])
def test_a_file_that_is_no_clip(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.mp4").write_text("no clip at all")
    with pytest.raises(UnreadableVideo):
        open_camera(name)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("file:///etc/passwd", "file:// is not opened; give one of rtsp"),
        ("concat://a|b", "concat:// is not opened"),
        ("http://127.0.0.1:9/x", r"http://127.0.0.1:9/x cannot be opened \(Connection refused\)"),
    ],
)
def test_a_url_that_is_no_stream(url: str, message: str) -> None:
    with pytest.raises(UnreadableVideo, match=message):
        open_camera(url)


def served() -> Window:
    return Window(Controls("blur"), effects=["blur"])


def test_a_stream_as_a_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    """The window's own, which is what network cameras serve."""
    monkeypatch.setattr(stream, "OPEN_WITHIN", LIMIT)
    monkeypatch.setattr(stream, "READ_WITHIN", LIMIT)
    window = served()
    ends = threading.Event()

    def shows() -> None:
        count = 0
        while not ends.wait(0.01):
            window.show(np.full((48, 64, 3), (200, count % 2, 0), np.uint8))
            count += 1

    thread = threading.Thread(target=shows)
    thread.start()
    try:
        frames = open_camera(f"{window.url}stream")
        for _ in range(5):
            image = next(frames)
            assert image.shape == (48, 64, 3) and np.abs(image.astype(int) - (200, 0, 0)).mean() < 6
        window.close()
        with pytest.raises((StopIteration, InputError)):
            for _ in range(1000):
                next(frames)
    finally:
        ends.set()
        thread.join()
        window.close()


def test_a_stream_that_falls_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "READ_WITHIN", 0.5)
    monkeypatch.setattr(stream, "OPEN_WITHIN", 0.5)
    window = served()
    try:
        with pytest.raises(InputError, match=r"cannot be opened|broke off"):
            next(open_camera(f"{window.url}stream"))
    finally:
        window.close()


def test_a_page_is_no_stream() -> None:
    window = served()
    try:
        with pytest.raises(UnreadableVideo, match="cannot be opened"):
            open_camera(window.url)
    finally:
        window.close()


def test_the_fakes_speak_as_the_library_does() -> None:
    real: Any = cv2.VideoCapture
    assert all(hasattr(real, name) for name in ("isOpened", "set", "read", "release"))
