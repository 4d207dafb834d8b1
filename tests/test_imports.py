"""Nothing heavy is loaded before it is needed, and some things never are."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

import standout
from tests.conftest import drawn_person

RUNTIMES = {"onnxruntime", "openvino"}
SERVER = {"fastapi", "starlette", "uvicorn", "prometheus_client", "platformdirs"}
HEAVY = {"numpy", "cv2", "PIL", "pi_heif", "pillow_heif", "torch", "av"} | RUNTIMES | SERVER
NEVER = {
    "torch",
    "torchvision",
    "timm",
    "scipy",
    "numba",
    "pandas",
    "matplotlib",
    "albumentations",
    "onnx",
    "sympy",
} | SERVER
LIST = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"


def loaded(code: str, folder: Path) -> set[str]:
    """Top-level modules in a fresh interpreter after code."""
    source = str(Path(standout.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": source}
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{LIST}"], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def command(*arguments: str) -> str:
    """Code that runs the command line to its end."""
    return (
        f"import sys; sys.argv = ['standout', *{arguments!r}]\n"
        "from standout.__main__ import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0, end.code"
    )


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    image, mask = drawn_person()
    cv2.imwrite(str(tmp_path / "photo.jpg"), image[..., ::-1])
    cv2.imwrite(str(tmp_path / "hand.png"), mask)
    return tmp_path


def test_import_is_light(tmp_path: Path) -> None:
    assert not loaded("import standout; standout.__version__; dir(standout)", tmp_path) & (HEAVY | {"typer", "rich"})


def test_version_is_light(tmp_path: Path) -> None:
    assert not loaded(command("--version"), tmp_path) & (HEAVY | {"typer", "rich", "click", "pydantic"})


@pytest.mark.parametrize(
    "arguments", [["--help"], ["cut", "--help"], ["replace", "-h"], ["webcam", "-h"], ["serve", "-h"]]
)
def test_help_is_light(tmp_path: Path, arguments: list[str]) -> None:
    assert not loaded(command(*arguments), tmp_path) & HEAVY


def test_a_photo_loads_what_it_needs(photo: Path) -> None:
    names = loaded(command("photo.jpg"), photo)
    assert names >= {"numpy", "cv2", "PIL"} and len(names & RUNTIMES) == 1
    assert not names & NEVER
    assert "rich" not in names, "a single photo shows no bar"
    assert not names & {"pi_heif", "pillow_heif"}, "a JPEG needs no HEIC"
    assert (photo / "photo-cut.png").is_file()


def test_a_mask_made_by_hand_needs_no_model(photo: Path) -> None:
    names = loaded(command("photo.jpg", "--mask-from", "hand.png"), photo)
    assert not names & (RUNTIMES | NEVER)


def test_python_loads_what_it_needs(photo: Path) -> None:
    names = loaded("import standout; standout.blur('photo.jpg')", photo)
    assert names >= {"numpy", "cv2", "PIL"} and len(names & RUNTIMES) == 1
    assert not names & (NEVER | {"typer", "rich"})
