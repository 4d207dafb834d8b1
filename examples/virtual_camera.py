"""Passes the window of `standout webcam` on to a virtual camera of Windows, macOS or Linux, by pyvirtualcam.

    pip install pyvirtualcam opencv-python-headless
    python examples/virtual_camera.py http://127.0.0.1:8765/KEY/     # the address that standout webcam prints

pyvirtualcam is under the GPL 2, so standout does not use it. This is a separate program, which needs nothing of
standout but the address of its window. It ends when the window does.
"""

from __future__ import annotations

import sys

import cv2
import pyvirtualcam


def main(url: str) -> int:
    """Returns the exit code: 1 where there is no picture at that address."""
    capture = cv2.VideoCapture(f"{url.removesuffix('/')}/stream")
    has_picture, picture = capture.read()
    if not has_picture:
        print(f"error: no picture at {url}; give the address that standout webcam prints", file=sys.stderr)
        return 1
    height, width = picture.shape[:2]
    with pyvirtualcam.Camera(width, height, fps=30, fmt=pyvirtualcam.PixelFormat.BGR) as camera:
        print(f"virtual camera: {camera.device}")
        while has_picture:
            camera.send(picture)
            has_picture, picture = capture.read()
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
