from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from standout.data import find_pairs
from standout.data.check import CHECKS, KINDS, check
from standout.data.sheet import write_report, write_sheet
from standout.errors import InputError, OutputError
from tests.data.test_split import scene


def put(folder: Path, name: str, image: np.ndarray, mask: np.ndarray | None) -> None:
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / "images" / f"{name}.png"), image)
    if mask is not None:
        cv2.imwrite(str(folder / "masks" / f"{name}.png"), mask)


def figure() -> np.ndarray:
    mask = np.zeros((120, 100), np.uint8)
    cv2.circle(mask, (50, 40), 20, 255, -1, cv2.LINE_AA)
    cv2.ellipse(mask, (50, 120), (28, 60), 0, 180, 360, 255, -1, cv2.LINE_AA)
    return cv2.GaussianBlur(mask, (5, 5), 0)


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    for n in range(8):
        put(tmp_path / "d", f"s_{n}", scene(n), figure())
    return tmp_path / "d"


def kinds(folder: Path) -> dict[str, int]:
    return check(folder).counts()


def test_a_clean_folder_yields_nothing(clean: Path) -> None:
    assert kinds(clean) == {}


def test_every_planted_defect_is_found_and_nothing_else(clean: Path) -> None:
    mask = figure()
    put(clean, "s_10", scene(10), 255 - mask)
    put(clean, "s_11", scene(11), np.where(mask > 127, 120, 0).astype(np.uint8))
    put(clean, "s_12", scene(12), (mask > 127).astype(np.uint8))
    put(clean, "s_13", scene(13), np.zeros_like(mask))
    put(clean, "s_14", scene(14), np.ascontiguousarray(mask.T))
    put(clean, "s_15", scene(15), mask[:60])
    put(clean, "s_16", scene(16), None)
    put(clean, "s_17", cv2.resize(scene(3), (80, 96)), cv2.resize(mask, (80, 96)))
    put(clean, "s_18", scene(18), np.full_like(mask, 128))
    put(clean, "s_19", scene(19), mask)
    (clean / "images" / "s_19.png").write_bytes(b"broken")
    put(clean, "s_20", scene(20), mask)
    (clean / "masks" / "s_20.png").write_bytes(b"broken")
    report = check(clean)
    found = {(finding.kind, path.stem) for finding in report.findings for path in finding.paths}
    assert found == {
        ("inverted", "s_10"),
        ("levels", "s_11"),
        ("zero-one", "s_12"),
        ("empty", "s_13"),
        ("size", "s_14"),
        ("size", "s_15"),
        ("orphan", "s_16"),
        ("duplicate", "s_3"),
        ("duplicate", "s_17"),
        ("unclear", "s_18"),
        ("unreadable", "s_19"),
        ("unreadable", "s_20"),
    }
    assert report.broken
    assert [KINDS[f.kind][0] for f in report.findings] == sorted(
        (KINDS[f.kind][0] for f in report.findings), key=["error", "warning", "note"].index
    )
    detail = {finding.paths[0].stem: finding.detail for finding in report.findings}
    assert "lies on its side" in detail["s_14"] and "120" in detail["s_11"]


def test_everybody_and_a_face_that_fills_the_frame_are_not_inverted() -> None:
    full = np.full((120, 100), 255, np.uint8)
    assert CHECKS["inverted"](full) is None
    face = full.copy()
    face[:20, :20] = 0
    assert CHECKS["inverted"](face) is None


def saved(clean: Path, name: str, mask: Image.Image) -> None:
    put(clean, name, scene(int(name[2:])), None)
    mask.save(clean / "masks" / f"{name}.png")


def test_masks_of_every_kind_are_judged_as_they_are_read(clean: Path) -> None:
    person = np.where(figure() > 127, 255, 0).astype(np.uint8)
    gray = np.full((120, 100, 3), 96, np.uint8)
    red = Image.fromarray((person > 0).astype(np.uint8), "P")
    red.putpalette([0, 0, 0, 128, 0, 0])
    saved(clean, "s_10", red)
    saved(clean, "s_11", Image.fromarray(np.dstack([gray, person])))
    saved(clean, "s_12", Image.fromarray((person > 0).astype(np.uint16)))
    saved(clean, "s_13", Image.fromarray(np.dstack([person, 0 * person, 0 * person])))
    saved(clean, "s_14", Image.fromarray(person > 0))
    saved(clean, "s_15", Image.fromarray(np.where(person > 0, 15, 0).astype(np.uint8)))
    saved(clean, "s_16", Image.fromarray(np.dstack([gray, 255 - person])))
    found = {(finding.kind, path.stem) for finding in check(clean).findings for path in finding.paths}
    assert found == {
        ("read-as", "s_10"),
        ("zero-one", "s_12"),
        ("read-as", "s_13"),
        ("levels", "s_15"),
        ("inverted", "s_16"),
    }


def test_flat_areas_in_a_soft_mask_are_a_warning(clean: Path) -> None:
    soft = cv2.GaussianBlur(figure(), (15, 15), 0)
    soft[20:40, 40:60] = 180
    put(clean, "s_10", scene(10), soft)
    (finding,) = check(clean).findings
    assert finding.kind == "flat" and finding.severity == "warning" and "180" in finding.detail


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".png"])
def test_a_photo_that_is_cut_off_is_named(clean: Path, suffix: str) -> None:
    put(clean, "s_10", scene(10), figure())
    (clean / "images" / "s_10.png").unlink()
    cv2.imwrite(str(clean / "images" / f"s_10{suffix}"), scene(10))
    whole = (clean / "images" / f"s_10{suffix}").read_bytes()
    (clean / "images" / f"s_10{suffix}").write_bytes(whole[: len(whole) // 3])
    (finding,) = check(clean).findings
    assert finding.kind == "unreadable" and finding.paths[0].name == f"s_10{suffix}" and finding.detail


def test_the_split_file_is_looked_at(clean: Path) -> None:
    put(clean, "s_10", cv2.resize(scene(3), (80, 96)), cv2.resize(figure(), (80, 96)))
    rows = "".join(f"s_{n},train\n" for n in range(7))
    (clean / "split.csv").write_text(f"name,split\n{rows}s_10,val\n")
    report = check(clean)
    assert report.counts() == {"leak": 1, "unsplit": 1} and report.broken
    assert {p.stem for f in report.findings if f.kind == "unsplit" for p in f.paths} == {"s_7"}


def test_a_leak_across_parts_is_an_error(data: Path) -> None:
    source = data / "train" / "images" / "drawn_1.png"
    image = cv2.imread(str(source))
    (data / "val" / "images" / "copy_1.png").write_bytes(
        cv2.imencode(".png", cv2.resize(image, (180, 240)))[1].tobytes()
    )
    cv2.imwrite(str(data / "val" / "masks" / "copy_1.png"), np.zeros((240, 180), np.uint8))
    leaks = [
        finding
        for finding in check(data).findings
        if finding.kind == "leak" and any(p.stem == "copy_1" for p in finding.paths)
    ]
    assert leaks and leaks[0].severity == "error" and leaks[0].detail == "train and val"


def test_the_report_is_one_page_with_pictures(clean: Path, tmp_path: Path) -> None:
    put(clean, "s_10", scene(10), 255 - figure())
    put(clean, "s_<b>", scene(11), np.zeros((120, 100), np.uint8))
    write_report(check(clean), tmp_path / "r.html", title="t")
    page = (tmp_path / "r.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 2
    assert "inverted: 1 (warning)" in page and "s_&lt;b&gt;" in page and "<b>" not in page
    assert "http" not in page, "the page needs no other file"
    with pytest.raises(OutputError):
        write_report(check(clean), tmp_path / "r.html", title="t")


def test_sheets_of_all_kinds(clean: Path, tmp_path: Path) -> None:
    pairs = find_pairs(clean)[:3]
    for name in ("s.html", "s.png", "s.jpg"):
        write_sheet(pairs, tmp_path / name, title="t")
    assert cv2.imread(str(tmp_path / "s.png")).shape == (400, 1080, 3)
    with pytest.raises(InputError, match=r"s.gif: a contact sheet is an .html, .png or .jpg file"):
        write_sheet(pairs, tmp_path / "s.gif", title="t")
