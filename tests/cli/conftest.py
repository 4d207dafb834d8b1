"""Photos to run commands on, and ways to run them."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import standout as package
from tests.conftest import drawn_person

IMAGE, MASK = drawn_person()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tests run where photo.jpg, its mask hand.png and a background lie."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(package.__file__).parent.parent))
    cv2.imwrite("photo.jpg", IMAGE[..., ::-1])
    cv2.imwrite("hand.png", MASK)
    cv2.imwrite("beach.png", np.full((40, 70, 3), (200, 100, 50), np.uint8))
    return tmp_path


def folder(count: int = 4, size: tuple[int, int] = (120, 90)) -> None:
    Path("pics").mkdir()
    for n in range(count):
        cv2.imwrite(f"pics/p{n:03}.jpg", drawn_person(*size, seed=n)[0][..., ::-1])


def read(name: str) -> np.ndarray:
    picture = cv2.imread(name, cv2.IMREAD_UNCHANGED)
    assert picture is not None, name
    return picture


def standout(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """The command as a process of its own."""
    return subprocess.run([sys.executable, "-m", "standout", *arguments], input=stdin, capture_output=True)
