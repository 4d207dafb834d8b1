"""Sources of live pictures: a camera, a stream, or a clip that plays as if it were a camera.

    name     str               a number, a device such as /dev/video0, a URL, or the path of a file
    frames   Iterator[Image]   uint8 (H, W, 3), RGB, each as it arrives

OpenCV opens cameras, since a single call of it takes a number on Linux (V4L2), macOS (AVFoundation) and Windows (Media
Foundation, DirectShow) alike, and reads whatever format the camera has. PyAV, which reads streams and files, can open
cameras as well; but each system has its own names and options there, and not every build of PyAV knows them.

To add a source: a function name -> frames, and its case in open_camera.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path
from time import monotonic, sleep

import cv2
import numpy as np

from standout import video
from standout.effects import compose
from standout.effects.compose import before_white
from standout.errors import InputError
from standout.types import Image

PATIENCE = 5
"""Reads that fail in a row until a camera counts as unplugged; a damaged picture or two must not end it."""

KNOWN_TO_LINUX = Path("/sys/class/video4linux")
"""Where Linux lists cameras."""


def open_camera(
    name: str, *, size: tuple[int, int] | None = None, rate: float | None = None
) -> Generator[Image, None, None]:
    """The pictures of a camera, stream or file, which is open on return; closing the generator releases it.

    size: the (width, height), and rate: the frames per second, that are requested of a camera, which gives what comes
    nearest.

    Call it in the main thread, since macOS asks there for permission to use the camera. Pictures may be taken in
    another thread.

    Raises InputError where there is no such camera or it is in use, and UnreadableVideo for a stream or file that
    cannot be read. The generator raises InputError where the camera is unplugged or the stream breaks off; it ends at
    the end of a file.
    """
    if name.isdecimal():
        return _begun(_of_device(int(name), size, rate))
    if "://" in name:
        return _begun(_of_stream(name))
    path = Path(name)
    if path.is_char_device() or path.is_relative_to("/dev"):
        return _begun(_of_device(str(path), size, rate))
    return _begun(_of_file(path))


def _begun(frames: Generator[Image | None, None, None]) -> Generator[Image, None, None]:
    """The frames after the first item, which only says that the source is open."""
    next(frames)
    return frames  # type: ignore[return-value]


def _of_device(
    which: int | str, size: tuple[int, int] | None, rate: float | None
) -> Generator[Image | None, None, None]:
    capture = _opened(which)
    try:
        if size is not None:
            # USB carries larger uncompressed pictures at only a few frames per second
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        if rate is not None:
            capture.set(cv2.CAP_PROP_FPS, rate)
        yield None
        missed = 0
        while missed < PATIENCE:
            there, picture = capture.read()
            if not there or picture is None or picture.ndim != 3:
                missed += 1
                sleep(0.05)
                continue
            missed = 0
            yield np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
        raise InputError(f"camera {which} gives no more pictures; was it unplugged? Plug it in and start again")
    finally:
        capture.release()


def _opened(which: int | str) -> cv2.VideoCapture:
    """The opened camera. Raises InputError, which names the cameras of this machine."""
    before = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # it would print what the error below says
    try:
        capture = cv2.VideoCapture(which, cv2.CAP_V4L2) if isinstance(which, str) else cv2.VideoCapture(which)
    finally:
        cv2.utils.logging.setLogLevel(before)
    if capture.isOpened():
        return capture
    capture.release()
    path = Path(which if isinstance(which, str) else f"/dev/video{which}")
    if sys.platform == "linux" and path.exists():
        cure = "close the program that uses it, and check your permission (ls -l shows the group, often video)"
        raise InputError(f"camera {which} cannot be opened; {cure}")
    raise InputError(f"there is no camera {which}{_there()}; a file or a URL can be used as well: --camera clip.mp4")


def _there() -> str:
    """The cameras that the system lists, as the end of a sentence."""
    if sys.platform != "linux":
        return "; numbers start at 0, and the privacy settings of the system may have to allow its use"
    found = []
    for entry in sorted(KNOWN_TO_LINUX.glob("video*")):
        try:
            found.append(f"/dev/{entry.name} ({(entry / 'name').read_text().strip()})")
        except OSError:  # the camera was unplugged meanwhile
            continue
    return f" (there are {', '.join(found)})" if found else ", and this machine has none at all"


def _of_stream(url: str) -> Generator[Image | None, None, None]:
    with video.Stream(url) as stream:
        yield None
        yield from stream.frames()


def _of_file(path: Path) -> Generator[Image | None, None, None]:
    """The frames of the clip, each at its time, as a camera would give them."""
    with video.open_clip(path) as clip:
        yield None
        convert = video.converter(clip.colors, video.SRGB)
        began = monotonic()
        for frame in clip.frames():
            sleep(max(0.0, began + float(frame.time) - monotonic()))
            image = frame.image if convert is None else convert(frame.image)
            yield image if frame.alpha is None else before_white(compose.with_alpha(image, frame.alpha))
