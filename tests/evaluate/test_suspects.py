"""The ranking of labels, on answers that are drawn instead of trained."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from standout.cli import main
from standout.data import find_splits, fingerprint
from standout.data.folds import mask_names
from standout.errors import InputError
from standout.evaluate.suspects import LEVELS, SURE, calibrate, hint, levels_of, rank, surprise
from tests.conftest import drawn_person

SPOILED = {"drawn_1": "inverted", "drawn_5": "half", "drawn_8": "moved", "drawn_10": "gone"}


def spoil(kind: str, mask: np.ndarray) -> np.ndarray:
    if kind == "inverted":
        return 255 - mask
    if kind == "half":
        return np.where(np.arange(mask.shape[1]) < mask.shape[1] // 2, mask, 0).astype(np.uint8)
    if kind == "moved":
        return cv2.warpAffine(mask, np.float32([[1, 0, 24], [0, 1, 0]]), mask.shape[::-1])
    return np.zeros_like(mask)


def draw_folds(data: Path, out: Path) -> Path:
    """A folder of folds, out, for the drawn people in data; the answers are their true masks, softened."""
    (out / "masks").mkdir(parents=True)
    splits = find_splits(data)
    rows, files = [], iter(mask_names([*splits[0], *splits[1]]))
    for part, pairs in zip(("train", "val"), splits, strict=True):
        for n, pair in enumerate(pairs):
            _, mask = drawn_person(seed=int(pair.name.split("_")[1]))
            mask = np.zeros_like(mask) if pair.name == "drawn_3" else mask
            file = next(files)
            cv2.imwrite(str(out / file), cv2.GaussianBlur(mask, (9, 9), 0))
            row = {"name": pair.name, "source": pair.source, "part": part, "mask": file}
            rows.append(row | {"fold": 0 if part == "val" else n % 3 + 1})
    told = {"folder": str(data), "sources": [], "fingerprint": fingerprint([*splits[0], *splits[1]])}
    (out / "folds.json").write_text(json.dumps({"count": 3, "data": told, "photos": rows}))
    return out


@pytest.fixture
def folds(data: Path, tmp_path: Path) -> Path:
    """Folds of data of which four labels are wrong."""
    for name, kind in SPOILED.items():
        path = data / "train" / "masks" / f"{name}.png"
        cv2.imwrite(str(path), spoil(kind, cv2.imread(str(path), cv2.IMREAD_UNCHANGED)))
    return draw_folds(data, tmp_path / "five")


def test_wrong_labels_come_first_with_what_is_wrong(folds: Path) -> None:
    ranked = rank(folds)
    assert len(ranked) == 16
    assert {one.pair.name for one in ranked[:4]} == SPOILED.keys()
    assert ranked[0].pair.name == "drawn_1", "an inverted label is the worst that can be"
    found = {one.pair.name: one.hint for one in ranked[:4]}
    assert found["drawn_1"] == "the label is inverted"
    assert found["drawn_5"] == "the label lacks a part of what the answer finds"
    assert re.fullmatch(r"the label is moved 2[2-6] pixels to the right( and 1 pixels (up|down))?", found["drawn_8"])
    assert found["drawn_10"] == "the label shows nobody"
    assert not any(one.hint for one in ranked[4:])
    assert ranked[0].loss > 2 * ranked[4].loss and ranked[0].dice < 0.2
    assert [one.explained for one in ranked[:5]] == [True, True, False, False, False]


EXPECTED = np.clip((np.arange(LEVELS) + 0.5) / LEVELS, SURE, 1 - SURE)
"""Of a model that is as sure as it says."""


def loss(label: np.ndarray, answer: np.ndarray) -> float:
    return surprise(levels_of(label, answer), EXPECTED)


def test_an_unsure_answer_counts_less_against_a_label_than_a_sure_one() -> None:
    label = np.zeros((20, 20), np.uint8)
    sure, unsure = (np.full((20, 20), level, np.uint8) for level in (240, 140))
    assert loss(label, sure) > 3 * loss(label, unsure) > 0
    label[:] = 128
    assert loss(label, sure) == 0, "what does not count is no reason"


def test_small_people_are_neither_passed_over_nor_always_first() -> None:
    """A small person that is missing is worse than a large one's soft edge, and better than a large one missing."""

    def circle(radius: int) -> np.ndarray:
        return cv2.circle(np.zeros((200, 200), np.uint8), (100, 100), radius, 255, -1)

    nobody = np.zeros((200, 200), np.uint8)
    excess = {r: loss(nobody, circle(r)) - loss(nobody, nobody) for r in (20, 60)}
    assert loss(circle(60), circle(59)) - loss(circle(60), circle(60)) < excess[20] < excess[60]


def test_answers_are_calibrated_by_source() -> None:
    """Where a model misses half of the people, its "nobody" is worth less, and a label is not blamed for it."""
    answer = np.zeros((40, 40), np.uint8)
    answer[:10] = 255
    label, missed = (np.where(np.arange(40)[:, None] < rows, 255, 0) * np.ones((1, 40)) for rows in (10, 20))
    easy, hard = (levels_of(one.astype(np.uint8), answer) for one in (label, missed))
    found = calibrate([("easy", easy)] * 50 + [("hard", hard)] * 50)
    assert found["easy"][0] < 0.04 and found["hard"][0] == pytest.approx(1 / 3, abs=0.04)
    assert found["easy"][-1] > 0.95 and found["hard"][-1] > 0.95
    assert surprise(hard, found["hard"]) < 0.2 * surprise(hard, found["easy"])
    few = calibrate([("easy", easy)] * 50 + [("one", hard)])
    assert few["one"][0] < 0.15, "a single photo is not its own measure"
    assert (np.diff(found["hard"]) >= 0).all()


@pytest.mark.parametrize(
    ("truth", "found", "said"),
    [
        ([[1, 1, 0, 0]], [[1, 1, 0, 0]], ""),
        ([[0, 0, 0, 0]], [[1, 1, 0, 0]], "the label shows nobody"),
        ([[1, 1, 0, 0]], [[0, 0, 0, 0]], "the answer finds nobody"),
        ([[0, 0, 1, 1]], [[1, 1, 0, 0]], "the label is inverted"),
        ([[1, 1, 1, 1]], [[1, 0, 0, 0]], "the label holds more than the answer finds"),
    ],
)
def test_the_hint_says_what_stands_out(truth: Any, found: Any, said: str) -> None:
    one, two = (np.kron(np.array(plane, bool), np.ones((40, 20), bool)) for plane in (truth, found))
    assert hint(one, two, np.ones_like(one)) == said


def test_the_command_writes_page_and_list(folds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, table = tmp_path / "s.html", tmp_path / "s.csv"
    command = ["data", "suspects", str(folds), "-o", str(page), "--csv", str(table), "--count", "5"]
    assert main(command) == 0
    text = page.read_text()
    assert text.count("<figure>") == 5 and "1. drawn_1: the label is inverted (loss " in text
    assert "5 of 16 labels, the most suspicious first." in text
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [row["rank"] for row in rows] == [str(n) for n in range(1, 17)]
    assert {row["name"] for row in rows[:4]} == SPOILED.keys() and Path(rows[0]["mask"]).is_file()
    assert main(command) == 2
    assert "exists and is kept" in capsys.readouterr().err
    assert main([*command, "--overwrite", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found[0]["name"] == "drawn_1" and found[0]["fold"] in (1, 2, 3)
    assert main(["data", "suspects", str(folds)]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("  1  drawn_1 ")


def test_what_will_not_do_is_told(folds: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no folds\.json; give the folder that `standout train --folds"):
        rank(tmp_path)
    (folds / "masks" / "drawn_0.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"drawn_0\.png is no picture"):
        rank(folds)
    (data / "train" / "masks" / "drawn_2.png").write_bytes((data / "train" / "masks" / "drawn_3.png").read_bytes())
    with pytest.raises(InputError, match="are no longer those that the folds"):
        rank(folds)
    (folds / "folds.json").write_text('{"count": 3}')
    with pytest.raises(InputError, match="are not finished"):
        rank(folds)
