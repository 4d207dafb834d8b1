"""The virtual camera, with a file in place of the device, as few machines have one."""

import sys
from pathlib import Path

import av
import numpy as np
import pytest

from standout.errors import OutputError, SetupError
from standout.video import VirtualCamera, virtual_camera

linux = pytest.mark.skipif(sys.platform != "linux", reason="v4l2loopback is Linux's")


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The bytes that are written are those that a device would get: frames of YUV 4:2:0, one after another."""
    monkeypatch.setattr(virtual_camera, "FORMAT", "rawvideo")
    path = tmp_path / "video9"
    path.touch()
    return path


def frames(path: Path, height: int, width: int) -> list[np.ndarray]:
    """RGB, as a program that reads the camera decodes those bytes."""
    planes = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, height * 3 // 2, width)
    return [av.VideoFrame.from_ndarray(one, "yuv420p").to_ndarray(format="rgb24") for one in planes]


@linux
def test_pictures_as_a_camera_gives_them(device: Path) -> None:
    camera = VirtualCamera(device)
    for color in ((255, 0, 0), (0, 177, 64), (255, 255, 255)):
        camera.show(np.full((48, 64, 3), color, np.uint8))
    camera.close()
    shown = frames(device, 48, 64)
    assert len(shown) == 3
    for picture, color in zip(shown, ((255, 0, 0), (0, 177, 64), (255, 255, 255)), strict=True):
        assert np.abs(picture.astype(int) - color).max() < 6


@linux
def test_the_size_stays_that_of_the_first(device: Path) -> None:
    """Sides are even, and later pictures of another size are letterboxed: programs expect a camera of one size."""
    camera = VirtualCamera(device)
    camera.show(np.full((49, 65, 3), 200, np.uint8))
    camera.show(np.full((96, 96, 3), 200, np.uint8))
    camera.close()
    first, second = frames(device, 48, 64)
    assert first[:, 4:-4].min() > 190
    assert second[:, 12:-12].min() > 190 and second[:, :4].max() < 10 and second[:, -4:].max() < 10


@linux
@pytest.mark.parametrize("name", ["regular", "/dev/null"])
def test_what_is_no_virtual_camera(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.touch()
    camera = VirtualCamera(path)
    with pytest.raises(OutputError, match=r"takes no pictures \(Inappropriate ioctl.*sudo modprobe v4l2loopback"):
        camera.show(np.zeros((48, 64, 3), np.uint8))
    camera.close()


@linux
def test_no_such_device() -> None:
    with pytest.raises(OutputError, match="there is no virtual camera /dev/video77; make one: sudo modprobe"):
        VirtualCamera(Path("/dev/video77"))


def test_the_first_virtual_camera_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_camera.sys, "platform", "linux")
    monkeypatch.setattr(virtual_camera, "VIRTUAL", tmp_path)
    with pytest.raises(SetupError, match="this machine has no virtual camera; make one"):
        virtual_camera.find()
    for name in ("video11", "video9"):
        (tmp_path / name).mkdir()
    assert virtual_camera.find() == Path("/dev/video9")


def test_other_systems_go_by_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_camera.sys, "platform", "win32")
    for attempt in (virtual_camera.find, lambda: VirtualCamera(Path("/dev/null"))):
        with pytest.raises(SetupError, match=r"on Linux alone; .*OBS Studio"):
            attempt()
