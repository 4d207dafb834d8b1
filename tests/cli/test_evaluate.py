import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from standout import images
from standout.cli import main
from standout.evaluate.measure import Settings, mask_of
from standout.images import decode
from standout.types import Photo


def evaluate(*arguments: object) -> int:
    return main(["evaluate", *map(str, arguments)])


def test_a_model_is_measured_in_text_file_and_page(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, file = tmp_path / "r.html", tmp_path / "r.json"
    assert evaluate("standout-mobile", data, "--report", page, "--json", file) == 0
    said = capsys.readouterr().out
    assert "Dice" in said and "best threshold" in said and "photos of nobody: 1" in said
    found = json.loads(file.read_text())
    assert found["data"]["photos"] == 4, "the validation part"
    assert found["by_source"]["all"]["dice"]["n"] == 3
    assert found["model"]["name"] == "standout-mobile" and found["settings"]["threshold"] == 0.5
    html = page.read_text()
    assert html.count("<img") == 4 and html.count("<svg") == 2
    assert "http" not in html.replace("http-equiv", ""), "nothing from elsewhere"
    assert evaluate("standout-mobile", data, "--json", file) == 2
    assert "is kept" in capsys.readouterr().err


def test_every_part_can_be_measured(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part, count in (("train", 12), ("all", 16)):
        file = tmp_path / f"{part}.json"
        assert evaluate("standout-mobile", data, "--part", part, "--json", file, "--no-refine", "--no-mirror") == 0
        assert json.loads(file.read_text())["data"]["photos"] == count
    assert evaluate("standout-mobile", data, "--part", "test") == 2
    assert "no photos of part 'test'; its parts: train, val" in capsys.readouterr().err


def test_a_model_is_compared_with_another_and_with_a_file(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "before.json"
    assert evaluate("standout-mobile", data, "--json", file) == 0
    for other in ("standout-mobile", file):
        capsys.readouterr()
        assert evaluate("standout-mobile", data, "--compare", other) == 0
        assert f"against {other}: no difference that 3 photos can show" in capsys.readouterr().out
    assert evaluate("standout-mobile", data, "--part", "train", "--compare", file) == 2
    assert "measured on other photos" in capsys.readouterr().err


def test_a_gap_between_groups_is_a_gate(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    groups = tmp_path / "groups.csv"
    groups.write_text("name,half\ndrawn_0,a\ndrawn_1,a\ndrawn_2,b\n")
    assert evaluate("standout-mobile", data, "--groups", groups, "--max-gap", "1") == 0
    assert "gap between groups of half" in capsys.readouterr().out
    assert evaluate("standout-quality", data, "--groups", groups, "--max-gap", "0") == 1
    assert "more than --max-gap 0" in capsys.readouterr().err
    groups.write_text("name,half\nnobody_here,a\n")
    assert evaluate("standout-mobile", data, "--groups", groups, "--max-gap", "1") == 1
    assert "no gap to compare" in capsys.readouterr().err
    assert evaluate("standout-mobile", data, "--max-gap", "1") == 2
    assert "--max-gap needs --groups" in capsys.readouterr().err


def test_a_checkpoint_scores_as_its_export_does(as_trained: Callable[[str], Path], data: Path, tmp_path: Path) -> None:
    files = [tmp_path / "onnx.json", tmp_path / "torch.json"]
    models = ("standout-mobile", "onnx"), (as_trained("standout-mobile"), "pytorch")
    for (model, runtime), file in zip(models, files, strict=True):
        assert evaluate(model, data, "--runtime", runtime, "--json", file) == 0
    one, two = (json.loads(file.read_text()) for file in files)
    assert (one["model"]["runtime"], two["model"]["runtime"]) == ("onnx", "pytorch")
    for a, b in zip(one["photos"], two["photos"], strict=True):
        assert a["dice"] == pytest.approx(b["dice"], abs=2e-3)


def test_every_photo_is_decoded_once(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(source: Path) -> Photo:
        read.append(source.name)
        return decode.read(source)

    def never(name: str, flags: int = 0) -> None:
        raise AssertionError(f"{name} is decoded by OpenCV")

    monkeypatch.setattr(images, "read", counted)
    monkeypatch.setattr(cv2, "imread", never)
    assert evaluate("standout-tiny", data, "--no-mirror") == 0
    assert sorted(read) == [f"drawn_{n}.png" for n in range(4)]


def test_nobody_is_where_a_photo_is_transparent_as_users_get_it() -> None:
    class All:
        card = None

        def mask(self, image: np.ndarray, *, refine: bool = True) -> np.ndarray:
            return np.ones(image.shape[:2], np.float32)

    half = np.tile(np.float32([0, 1]), (8, 4))
    found = mask_of(Photo(np.zeros((8, 8, 3), np.uint8), half), All(), Settings())  # type: ignore[arg-type]
    assert (found == half).all()


def test_hidden_files_are_passed_over_and_a_photo_that_is_cut_off_is_named(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("images/._drawn_0.png", "masks/._drawn_0.png"):
        (data / "val" / name).write_bytes(b"\0\5\26\7")
    assert evaluate("standout-tiny", data, "--no-mirror") == 0
    photo = data / "val" / "images" / "drawn_2.png"
    photo.write_bytes(photo.read_bytes()[:3000])
    assert evaluate("standout-tiny", data, "--no-mirror") == 2
    assert "drawn_2.png" in capsys.readouterr().err


def test_bad_input_is_named(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"nothing")
    (tmp_path / "notes.txt").write_text("nothing")
    for model, message in (
        ("nowhere", "neither a bundled model nor a file"),
        (tmp_path / "broken.onnx", "broken.onnx cannot be loaded "),
        (tmp_path / "notes.txt", "is no model file that standout can run"),
    ):
        assert evaluate(model, data) == 2
        assert message in capsys.readouterr().err
    cv2.imwrite(str(data / "val" / "masks" / "drawn_1.png"), cv2.imread(str(data / "val/masks/drawn_1.png"))[:50])
    assert evaluate("standout-mobile", data) == 2
    assert "they must be of the same size" in capsys.readouterr().err
