"""Pictures -> a virtual camera of Linux (v4l2loopback), which other programs use like any camera.

    picture   uint8 (H, W, 3)   RGB

FFmpeg's own V4L2 output writes to it. pyvirtualcam, which also knows macOS and Windows, is under the GPL and therefore
no part of standout; docs/guides/live.md explains what to do on those systems.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np

from standout.errors import OutputError, SetupError
from standout.masks.letterbox import fit
from standout.types import Picture
from standout.video.color import Colors, to_frame

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

FORMAT = "v4l2"
"""FFmpeg's name of the output."""

VIRTUAL = Path("/sys/devices/virtual/video4linux")
"""The folder in which Linux lists virtual cameras."""

COLORS = Colors(matrix=6, range=1)
"""What programs assume of a camera: BT.601 with limited range."""

MAKE = "make one: sudo modprobe v4l2loopback video_nr=9 card_label=standout exclusive_caps=1"
ELSEWHERE = (
    "standout can write to a virtual camera on Linux alone; here, show the window's stream in OBS Studio and start its "
    "virtual camera (docs/guides/live.md explains how)"
)


def find() -> Path:
    """The first virtual camera of this machine. Raises SetupError where there is none."""
    if sys.platform != "linux":
        raise SetupError(ELSEWHERE)
    names = sorted((entry.name for entry in VIRTUAL.glob("video*")), key=lambda name: (len(name), name))
    if not names:
        raise SetupError(f"this machine has no virtual camera; {MAKE}")
    return Path("/dev") / names[0]


class VirtualCamera:
    """A virtual camera. The first picture opens it and sets its size; later pictures are letterboxed to that size.

    Raises SetupError on a system other than Linux, and OutputError where there is no such device.
    """

    def __init__(self, device: Path) -> None:
        if sys.platform != "linux":
            raise SetupError(ELSEWHERE)
        if not device.exists():
            raise OutputError(f"there is no virtual camera {device}; {MAKE}")
        self.device = device
        self._out: tuple[OutputContainer, VideoStream] | None = None
        self._count = 0

    def show(self, picture: Picture) -> None:
        """Shows the picture to the programs that read the camera. Raises OutputError where the device refuses it."""
        try:
            if self._out is None:
                self._out = self._opened(*picture.shape[:2])
            container, stream = self._out
            fitted, _ = fit(picture, (stream.height, stream.width), fill=0)
            frame = to_frame(np.asarray(fitted, np.uint8), "yuv420p", COLORS)
            frame.pts = self._count
            self._count += 1
            container.mux(stream.encode(frame))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise OutputError(
                f"{self.device} takes no pictures ({reason}); if it is no virtual camera, {MAKE}"
            ) from error

    def _opened(self, height: int, width: int) -> tuple[OutputContainer, VideoStream]:
        """The device, opened for pictures of that size."""
        container = av.open(str(self.device), mode="w", format=FORMAT)
        try:
            stream = container.add_stream("rawvideo", rate=30)
            stream.height, stream.width = max(2, height // 2 * 2), max(2, width // 2 * 2)  # 4:2:0 needs even sides
            stream.pix_fmt = "yuv420p"
            container.start_encoding()
        except BaseException:
            container.close()
            raise
        return container, stream

    def close(self) -> None:
        """Closes the device."""
        if self._out is not None:
            with contextlib.suppress(av.error.FFmpegError, OSError):
                self._out[0].close()
            self._out = None
