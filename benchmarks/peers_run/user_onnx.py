"""What a user writes who has MODNet or RobustVideoMatting as an ONNX file: ONNX Runtime, with OpenCV for files.

    python user_onnx.py cut MODEL.onnx IN.jpg OUT.png
    python user_onnx.py cut MODEL.onnx FOLDER FOLDER
    python user_onnx.py blur MODEL.onnx IN.mp4 OUT.mp4

Sizes and levels are those that the models' authors give; threads are ONNX Runtime's own choice.
"""

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort


class Modnet:
    """Portraits, each by itself: the short side becomes 512, both sides multiples of 32, levels -1 to 1."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self.session = session

    def __call__(self, image: Any) -> Any:
        """The mask of an image as OpenCV reads it, float32 at its size."""
        height, width = image.shape[:2]
        scale = 512 / min(height, width)
        size = round(width * scale / 32) * 32, round(height * scale / 32) * 32
        small = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
        planes = (small.transpose(2, 0, 1)[None].astype(np.float32) - 127.5) / 127.5
        return cv2.resize(self.session.run(None, {"input": planes})[0][0, 0], (width, height))


class Rvm:
    """Clips: what was seen of earlier frames is carried on; inside, the longest side is about 512."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self.session = session
        self.memory = [np.zeros((1, 1, 1, 1), np.float32)] * 4

    def __call__(self, image: Any) -> Any:
        """The mask of the next frame, float32 at its size."""
        planes = cv2.cvtColor(image, cv2.COLOR_BGR2RGB).transpose(2, 0, 1)[None].astype(np.float32) / 255
        inputs = {"src": planes, "downsample_ratio": np.array([min(1, 512 / max(image.shape[:2]))], np.float32)}
        inputs |= {f"r{number}i": one for number, one in enumerate(self.memory, 1)}
        alpha, *self.memory = self.session.run(["pha", "r1o", "r2o", "r3o", "r4o"], inputs)
        return alpha[0, 0]


def main() -> None:
    """Does what the arguments say."""
    task, model, source, target = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    carries = "r1i" in [one.name for one in session.get_inputs()]
    network: Any = Rvm(session) if carries else Modnet(session)
    if task == "blur":
        blur(network, source, target)
    elif source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        for photo in sorted(source.iterdir()):
            cut(network, photo, target / f"{photo.stem}.png")
    else:
        cut(network, source, target)


def cut(network: Any, source: Path, target: Path) -> None:
    """Writes the people of a photo as transparent PNG."""
    image: Any = cv2.imread(str(source))
    alpha = np.rint(np.clip(network(image), 0, 1) * 255).astype(np.uint8)
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
        alpha = np.clip(network(image), 0, 1)[..., None]
        out.write((alpha * image + (1 - alpha) * cv2.GaussianBlur(image, (55, 55), 0)).astype(np.uint8))
    out.release()


if __name__ == "__main__":
    main()
