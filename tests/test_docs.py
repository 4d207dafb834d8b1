"""What the README and the documentation show, run as printed."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import pytest

from standout.models.registry import REGISTRY, find
from tests.conftest import ROOT, SAMPLE, MadeOnce, drawn_person
from tests.evaluate.test_suspects import draw_folds
from tests.video.drawn import Made, make, picture

GENERATED = {ROOT / "docs" / "reference" / name for name in ("python.md", "command-line.md", "recipe.md")}
"""Pages that scripts/reference.py writes, which need not be there: tests/test_reference.py is about them."""

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(page for page in (ROOT / "docs").rglob("*.md") if page not in GENERATED),
]
CHECK = ROOT / "docs" / "check-yourself.md"
LEFT_OUT = r"train|improve|export|serve|cut\||models \||webcam(?! --camera t)"
LEFT_OUT += r"|.*--max-gap|.*--watch|.*--fit-confidence|.*shared/people"
COMMAND = rf"^    (standout (?!{LEFT_OUT}).*)$"
"""Lines to run: those that end, need no hour, camera, labels of people or fifty of these, are no syntax, and are not
meant to fail."""

BLOCKS = [
    pytest.param(block, id=f"{page.parent.name}-{page.stem}-{n}")
    for page in PAGES
    for n, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.S))
]
SHOWN = {
    line.split("  #")[0].strip(): f"{page.parent.name}-{page.stem}-{n}"
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
    sample = cv2.imread(str(SAMPLE))
    cv2.imwrite(str(tmp_path / "group.jpg"), cv2.hconcat([cv2.flip(sample, 1), sample]))
    head = sample[:330, 60:390]
    cv2.imwrite(str(tmp_path / "portrait.jpg"), cv2.resize(head, None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC))
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
    draw_folds(tmp_path / "my", tmp_path / "runs" / "five")
    make_public_sets(tmp_path)


def make_public_sets(folder: Path) -> None:
    """Two photos each in the layouts that docs/check-yourself.md names, after the first commands that it shows."""
    drawn = {name: drawn_person(seed=seed) for seed, name in enumerate(("00001", "00002"))}
    places = {
        "images": ("EG1800/Images/{}.png", "coco/val2017/{}.jpg", "DAVIS/JPEGImages/480p/judo/{}.jpg"),
        "masks": ("EG1800/Labels/{}.png", "DAVIS/Annotations/480p/judo/{}.png"),
    }
    for name, (image, mask) in drawn.items():
        for kind, plane in (("images", image[..., ::-1]), ("masks", mask // 255)):
            for place in places[kind]:
                path = folder / place.format(name)
                path.parent.mkdir(parents=True, exist_ok=True)
                assert cv2.imwrite(str(path), plane)
    (folder / "EG1800" / "eg1800_test.txt").write_text("00001.png\n00002.png\n")
    (folder / "DAVIS" / "davis_semantics.json").write_text('{"judo": {"1": "person"}}')
    (folder / "DAVIS" / "ImageSets" / "2017").mkdir(parents=True)
    (folder / "DAVIS" / "ImageSets" / "2017" / "val.txt").write_text("judo\n")
    rows = [{"id": n, "file_name": f"{name}.jpg", "height": 120, "width": 90} for n, name in enumerate(drawn)]
    outline = [[30, 20, 60, 20, 60, 110, 30, 110]]
    people = [
        {"id": n, "image_id": n, "category_id": 1, "iscrowd": 0, "segmentation": outline} for n in range(len(rows))
    ]
    labels = folder / "coco" / "annotations" / "instances_val2017.json"
    labels.parent.mkdir(parents=True)
    labels.write_text(json.dumps({"images": rows, "annotations": people, "categories": [{"id": 1, "name": "person"}]}))
    for command in re.findall(r"^    python (benchmarks/held_out\.py .*)$", CHECK.read_text(), re.M):
        script, data = command.split()
        done = subprocess.run([sys.executable, ROOT / script, folder / data], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


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
            leads = (page.parent / link).resolve()
            assert leads.exists() or leads in GENERATED, f"{page}: {link}"


def test_every_page_is_in_american_spelling() -> None:
    british = re.compile(
        r"\b(?!Colour Estimation)(\w*colour\w*|grey|licence\w*|labelled|learnt|recognise\w*)\b", re.IGNORECASE
    )
    for page in PAGES:
        text = re.sub(r"`[^`]*`|<!-- (\S+) -->.*?<!-- /\1 -->", "", page.read_text(), flags=re.DOTALL)
        assert not british.findall(text), f"{page}: {british.findall(text)}"


def test_a_newcomer_can_read_the_readme_in_a_minute() -> None:
    text = (ROOT / "README.md").read_text()
    lines = text.splitlines()
    assert len(lines) <= 90
    assert all(any(script in line for line in lines[:20]) for script in ("./scripts/demo", "./scripts/test"))
    table = re.search(r"<!-- rivals -->\n(.*?)\n<!-- /rivals -->", text, re.DOTALL)
    assert table is not None
    rows = table[1].splitlines()
    assert len(rows) <= 3 + 5  # heads, the line below them, standout, and its rivals
    assert all(row.count("|") == 5 for row in rows)


def test_links_in_the_readme_hold_on_a_package_index() -> None:
    """An index shows the README without the repository around it, so every link there names a server."""
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["metadata"]["hooks"]
    rewriting = tables["fancy-pypi-readme"]
    assert [part["path"] for part in rewriting["fragments"]] == ["README.md"]
    text = (ROOT / "README.md").read_text()
    for one in rewriting["substitutions"]:
        text = re.sub(one["pattern"], one["replacement"], text)
    links = re.findall(r"(!?)\[[^\]]*\]\(([^)]+)\)", text)
    assert len([kind for kind, _ in links if kind]) == 3, "three pictures"
    assert len(links) > 10
    for kind, link in links:
        assert link.startswith("https://"), link
        assert link.endswith("?raw=true") == bool(kind), link


def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("people.ipynb", "astronaut.jpg", "astronaut-mask.png"):
        shutil.copy(ROOT / "examples" / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    cells = [cell for cell in json.loads(Path("people.ipynb").read_text())["cells"] if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] for cell in cells)
    names: dict[str, Any] = {}
    for cell in cells:
        exec("".join(cell["source"]), names)
    assert Path("people-out/cut.png").is_file() and Path("people-out/blurred.jpg").is_file()
    assert names["cutout"].shape == (*names["mask"].shape, 4)
    assert all(dice > 0.9 and boundary > 0.5 for dice, boundary in names["scores"].values())


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
    assert card.sha256 in (ROOT / "docs" / "models.md").read_text()
