"""What a user of MediaPipe writes to blur the background of clips or to cut people out of photos.

    python user_mediapipe.py cut IN.jpg OUT.png
    python user_mediapipe.py cut FOLDER FOLDER
    python user_mediapipe.py blur IN.mp4 OUT.mp4

It is the selfie segmentation of MediaPipe's Python package with its own defaults, and OpenCV for files.
"""

import sys
from pathlib import Path
from typing import Any

import cv2
import mediapipe as mp  # type: ignore[import-not-found]
import numpy as np


def main() -> None:
    """Does what the arguments say."""
    task, source, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    with mp.solutions.selfie_segmentation.SelfieSegmentation(model_selection=0) as network:
        if task == "blur":
            blur(network, source, target)
        elif source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            for photo in sorted(source.iterdir()):
                cut(network, photo, target / f"{photo.stem}.png")
        else:
            cut(network, source, target)


def mask_of(network: Any, image: Any) -> Any:
    """The mask of an image as OpenCV reads it, float32 at its size."""
    return network.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).segmentation_mask


def cut(network: Any, source: Path, target: Path) -> None:
    """Writes the people of a photo as transparent PNG."""
    image: Any = cv2.imread(str(source))
    alpha = np.rint(np.clip(mask_of(network, image), 0, 1) * 255).astype(np.uint8)
    cv2.imwrite(str(target), np.dstack([image, alpha]))


def blur(network: Any, source: Path, target: Path) -> None:
    """Writes a clip with its background blurred, without sound."""
    clip = cv2.VideoCapture(str(source))
    size = int(clip.get(cv2.CAP_PROP_FRAME_WIDTH)), int(clip.get(cv2.CAP_PROP_FRAME_HEIGHT))
    out = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*"mp4v"), clip.get(cv2.CAP_PROP_FPS), size)
    while True:
        more, image = clip.read()
        if not more:
            break
        alpha = mask_of(network, image)[..., None]
        out.write((alpha * image + (1 - alpha) * cv2.GaussianBlur(image, (55, 55), 0)).astype(np.uint8))
    out.release()


if __name__ == "__main__":
    main()
