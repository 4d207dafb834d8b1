"""`standout webcam`, a clip of a real person as the camera."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import av
import cv2
import numpy as np
import pytest

from standout.cli import main
from standout.cli.live_effects import LEFT_OUT
from standout.effects import EFFECTS
from standout.live.loop import BLANK
from standout.segmenter import Segmenter
from standout.types import Image, Mask
from standout.video import virtual_camera
from tests.conftest import ROOT
from tests.serve.test_webcam_window import Viewer
from tests.video.drawn import Made, make, picture
from tests.waiting import LIMIT, started

linux = pytest.mark.skipif(sys.platform != "linux", reason="v4l2loopback is Linux's")
GREEN = (0, 177, 64)


@pytest.fixture
def walk(clips: Path) -> str:
    return str(clips / "walk.mkv")


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in the place of /dev/video9: it gets what the device would."""
    monkeypatch.setattr(virtual_camera, "FORMAT", "rawvideo")
    (tmp_path / "video9").touch()
    return tmp_path / "video9"


def given(device: Path, height: int = 480, width: int = 640) -> list[np.ndarray]:
    """RGB pictures that the virtual camera was given."""
    planes = np.frombuffer(device.read_bytes(), np.uint8).reshape(-1, height * 3 // 2, width)
    return [av.VideoFrame.from_ndarray(one, "yuv420p").to_ndarray(format="rgb24") for one in planes]


def is_blank(image: np.ndarray) -> bool:
    return bool(np.abs(image.astype(int) - BLANK).max() < 4)


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command as a process of its own, and its window's address."""
    code = [sys.executable, "-m", "standout", "webcam", *arguments, "--port", "0", "--no-open"]
    with started(code, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        line = process.stderr.readline()
        url = re.search(r"window: (http://\S+)", line)
        assert url is not None, line + process.stderr.read()
        yield process, url[1]


def command(url: str, what: object) -> None:
    with urlopen(Request(f"{url}command", json.dumps(what).encode(), method="POST"), timeout=LIMIT) as answer:
        assert answer.status == 200


def until(viewer: Viewer, wanted: str) -> np.ndarray:
    """The first picture that is of that kind; all before it are."""
    for _ in range(400):
        image = viewer.next()
        assert image is not None, f"the stream ended before a picture was {wanted}"
        corner = image[5:60, 5:60].reshape(-1, 3).astype(int)
        seen = "blank" if is_blank(image) else "green" if np.abs(corner - GREEN).mean() < 8 else "other"
        if seen == wanted:
            return image
    raise AssertionError(f"no picture was {wanted}")


def test_a_window_from_start_to_quit(clips: Path) -> None:
    """Pictures of it are real ones, its buttons work, and Quit ends the command."""
    with running("color", "--camera", str(clips / "one-by-one-person-detection.mp4")) as (process, url):
        viewer = Viewer(url)
        image = until(viewer, "green")
        assert image.shape == (432, 768, 3)
        command(url, {"paused": True})
        until(viewer, "blank")
        command(url, {"paused": False})
        until(viewer, "green")
        command(url, {"effect": "blur"})
        until(viewer, "other")
        with urlopen(f"{url}status", timeout=LIMIT) as answer:
            status = json.load(answer)
        offered = [name for name in EFFECTS if name not in (*LEFT_OUT, "replace")]  # which lacks its background
        assert status["effect"] == "blur" and status["effects"] == [*offered, "none"]
        with urlopen(url, timeout=LIMIT) as answer:
            assert b"<title>standout webcam</title>" in answer.read()
        command(url, {"stop": True})
        out, err = process.communicate(timeout=LIMIT)
        assert process.returncode == 0 and out == "", err
        assert re.search(r"\d+ pictures in [\d.]+ s: [\d.]+ fps, \d+ ms from camera to picture", err), err


@pytest.mark.skipif(sys.platform == "win32", reason="other signals")
def test_ctrl_c_ends_it_cleanly(clips: Path) -> None:
    with running("--camera", str(clips / "one-by-one-person-detection.mp4")) as (process, url):
        until(Viewer(url), "other")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LIMIT)
        assert process.returncode == 130 and out == ""
        assert "stopped; the camera is free again" in err and "Traceback" not in err


def test_a_window_is_a_camera_for_another(walk: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As a camera of the network is."""
    with running("none", "--camera", walk) as (_, url):
        assert main(["webcam", "mask", "--camera", f"{url}stream", "--port", "0", "--frames", "5"]) == 0
    assert "5 pictures in" in capsys.readouterr().err


@linux
def test_a_virtual_camera(walk: str, device: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["webcam", "color", "--camera", walk, "--virtual-camera", str(device), "--no-window"]
    assert main([*arguments, "--frames", "3", "--runtime", "onnx", "--steady", "0"]) == 0
    first, *between, last = given(device)
    assert is_blank(first) and is_blank(last) and len(between) == 3
    for image in between:
        green = np.abs(image.astype(int) - GREEN).max(2) < 12
        assert 0.3 < green.mean() < 0.95, "a person before one colour"
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith(f"virtual camera: {device}\n") and "fps" in said.err


@linux
def test_as_in_a_mirror(clips: Path, tmp_path: Path, device: Path) -> None:
    still = make(tmp_path / "still.mp4", Made(pictures=[picture(3)] * 30))
    arguments = ["webcam", "none", "--camera", str(still), "--virtual-camera", str(device), "--no-window", "-q"]
    assert main([*arguments, "--mirror-view", "--frames", "2"]) == 0
    shown = given(device, 96, 128)[1]
    assert np.abs(shown.astype(int) - picture(3)[:, ::-1]).mean() < 6


@linux
@pytest.mark.parametrize("kind", ["picture", "clip"])
def test_another_background(kind: str, walk: str, device: Path, tmp_path: Path) -> None:
    behind = tmp_path / "behind.mp4"
    if kind == "picture":
        behind = tmp_path / "behind.png"
        cv2.imwrite(str(behind), np.full((90, 120, 3), (255, 0, 0), np.uint8))
    else:
        make(behind, Made(pictures=[np.full((96, 128, 3), (0, 0, 255), np.uint8)] * 5))
    arguments = ["webcam", "-b", str(behind), "--camera", walk, "--virtual-camera", str(device), "--no-window", "-q"]
    assert main([*arguments, "--frames", "3"]) == 0
    for image in given(device)[1:-1]:
        assert np.abs(image[5:60, 5:60].astype(int) - (0, 0, 255)).mean() < 12


@linux
def test_where_the_model_fails_pictures_are_blank(
    walk: str, device: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(self: Segmenter, image: Image) -> Mask:
        raise RuntimeError("device lost")

    monkeypatch.setattr(Segmenter, "probability", fails)
    assert main(["webcam", "--camera", walk, "--virtual-camera", str(device), "--no-window"]) == 1
    shown = given(device)
    assert len(shown) > 10 and all(is_blank(image) for image in shown)
    err = capsys.readouterr().err
    assert err.count("a frame failed (RuntimeError: device lost); a blank picture is shown for it") == 1
    assert "error: 30 frames failed one after another (RuntimeError: device lost)" in err


@linux
def test_where_there_is_no_such_model_pictures_are_blank(walk: str, device: Path) -> None:
    arguments = ["webcam", "--camera", walk, "--virtual-camera", str(device), "--no-window"]
    assert main([*arguments, "--model", "standout-mobil"]) == 2
    assert all(is_blank(image) for image in given(device))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--camera", "gone.mp4"], "gone.mp4 does not exist"),
        (["--camera", "rtsp://127.0.0.1:9/x"], "rtsp://127.0.0.1:9/x cannot be opened (Connection refused)"),
        (["--camera", "file:///etc/passwd"], "file:// is not opened"),
        (["--size", "large"], "--size 'large': wanted width x height, such as 1280x720"),
        (["replace"], "replace needs something to put behind; give --background"),
        (["-b", "gone.jpg"], "background gone.jpg does not exist"),
        (["-c", "blurple"], "'blurple' is no color"),
        (["--no-window"], "--no-window leaves nowhere to show it"),
        (["--key", "x", "--camera", "still.mp4"], "key 'x' cannot be used; wanted 8 to 64"),
        (["--virtual-camera", "/dev/video77", "--camera", "/dev/video77"], "is both --camera and --virtual-camera"),
        (["--virtual-camera", "/dev/video77", "--camera", "77"], "is both --camera and --virtual-camera"),
    ],
)
def test_bad_input(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    make(Path("still.mp4"))
    assert main(["webcam", *arguments, "--port", "0"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ") and message in err and err.count("\n") == 1


@linux
def test_no_camera_is_an_error_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["webcam", "--camera", "77"]) == 2
    out, err = capsys.readouterr()
    assert err.startswith("error: there is no camera 77") and err.count("\n") == 1 and out == ""


FAKE = """
import json, sys
import numpy as np

class PixelFormat:
    BGR = "bgr"

class Camera:
    device = "OBS Virtual Camera"
    def __init__(self, width, height, fps, *, fmt):
        assert fmt == "bgr" and fps == 30
        self.size, self.corners = (height, width, 3), []
    def __enter__(self):
        return self
    def __exit__(self, *error):
        json.dump({"size": self.size, "corners": self.corners}, open("sent.json", "w"))
    def send(self, frame):
        assert frame.shape == self.size and frame.dtype == np.uint8
        self.corners.append([int(one) for one in frame[5, 5]])
"""


def test_the_window_goes_on_to_pyvirtualcam(walk: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """examples/virtual_camera.py, with a fake in its place."""
    (here / "fake").mkdir()
    (here / "fake" / "pyvirtualcam.py").write_text(FAKE)
    with running("color", "--camera", walk) as (_, url):
        done = subprocess.run(
            [sys.executable, ROOT / "examples" / "virtual_camera.py", url],
            env={**os.environ, "PYTHONPATH": str(here / "fake")}, capture_output=True, text=True, timeout=LIMIT,
        )  # fmt: skip
    assert done.returncode == 0 and done.stdout == "virtual camera: OBS Virtual Camera\n", done.stderr
    sent = json.loads((here / "sent.json").read_text())
    assert sent["size"] == [480, 640, 3]
    assert any(np.abs(np.array(one) - GREEN[::-1]).max() < 16 for one in sent["corners"]), "in its order of colours"


WITHOUT_SERVER = """
import sys
sys.modules["fastapi"] = None
from standout.cli import main
from standout.video import virtual_camera
virtual_camera.FORMAT = "rawvideo"
sys.exit(main(sys.argv[1:]))
"""


@linux
def test_without_the_packages_of_the_server(walk: str, device: Path) -> None:
    """Only the window needs them."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", WITHOUT_SERVER, "webcam", "--camera", walk, "--frames", "2", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    refused = run()
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1
    assert "the window (which --no-window does without) needs packages that are not" in refused.stderr
    assert "pip install 'standout[serve]'" in refused.stderr
    done = run("--no-window", "--virtual-camera", str(device))
    assert done.returncode == 0 and len(given(device)) == 4, done.stderr


def test_nothing_of_the_gpl_is_loaded_nor_torch(walk: str) -> None:
    code = (
        "import sys\n"
        "from standout.cli import main\n"
        f"assert main(['webcam', '--camera', {walk!r}, '--port', '0', '--frames', '2', '-q']) == 0\n"
        "print(*{name.partition('.')[0] for name in sys.modules} & {'pyvirtualcam', 'torch', 'tkinter', 'scipy'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.strip() == "", done.stderr
