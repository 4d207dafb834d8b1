"""What README and docs show, run as printed."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import pytest

from standout.models.registry import REGISTRY, find
from tests.conftest import ROOT, SAMPLE, MadeOnce, drawn_person
from tests.video.drawn import Made, make, picture

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = r"^    (standout (?!train|export|cut\||models \||webcam(?! --camera talk)|.*--max-gap).*)$"
"""Lines to run: those that need no hour, camera or labels of real people, are no syntax, and are not meant to fail."""

BLOCKS = [
    pytest.param(block, id=f"{page.stem}-{n}")
    for page in PAGES
    for n, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.S))
]
SHOWN = {
    line.split("  #")[0].strip(): f"{page.stem}-{n}"
    for page in reversed(PAGES)
    for n, line in enumerate(re.findall(COMMAND, page.read_text(), re.M))
}
"""Each command once, and where it is shown first."""

COMMANDS = [pytest.param(command, id=where) for command, where in SHOWN.items()]


@pytest.fixture
def here(tmp_path: Path, made_once: MadeOnce, as_trained: Callable[[str], Path]) -> Path:
    """A folder with the files that the examples name."""
    made = made_once("examples", lambda folder: make_examples(folder, as_trained("standout-mobile")))
    return Path(shutil.copytree(made, tmp_path / "here"))


def make_examples(tmp_path: Path, trained: Path) -> None:
    for name in ("photo.jpg", "me.jpg", "beach.jpg", "holiday/one.jpg", "holiday/deep/two.jpg", "portrait.heic"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLE, tmp_path / name)  # read by content, so the suffix may say what it likes
    step = Fraction(3, 2)
    minute = Made([picture(n) for n in range(41)], base=step, rate=1 / step, tracks=["aac"])
    for name in ("talk.mp4", "dance.mov", "waves.mp4", "holiday/three.mp4"):
        make(tmp_path / name, minute if name == "talk.mp4" else None)
    (tmp_path / "mine").mkdir()
    shutil.copy(find("standout-mobile"), tmp_path / "mine" / "mine.onnx")
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    shutil.copy(trained, tmp_path / "runs" / "mine" / "model.safetensors")
    for n in range(3):
        image, mask = drawn_person(seed=n)
        for part, plane in (("images", image), ("masks", mask)):
            (tmp_path / "my" / part).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(tmp_path / "my" / part / f"p_{n}.png"), plane)


@pytest.mark.parametrize("block", BLOCKS)
def test_python_in_the_docs_runs(block: str, here: Path) -> None:
    done = subprocess.run([sys.executable, "-c", "import standout\n" + block], cwd=here, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_commands_in_the_docs_run(command: str, here: Path) -> None:
    places = f'export PATH="{Path(sys.executable).parent}:$PATH"; '
    done = subprocess.run(places + command, cwd=here, shell=True, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_links_in_the_docs_lead_somewhere() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_contact_sheet_example_runs(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.jpg"
    script = ROOT / "examples" / "contact_sheet.py"
    done = subprocess.run([sys.executable, script, sheet, SAMPLE, SAMPLE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert sheet.stat().st_size > 10_000


@pytest.mark.parametrize("name", REGISTRY)
def test_the_model_card_is_of_the_weights_that_ship(name: str) -> None:
    from standout.runtimes import onnx

    card = onnx.open(find(name), threads=1).card
    assert card.sha256 in (ROOT / "docs" / "model-card.md").read_text()
