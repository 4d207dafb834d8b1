import json
from pathlib import Path

import numpy as np
import pytest

from standout import metrics
from standout.errors import InputError
from standout.evaluate.groups import read_groups
from standout.evaluate.photos import Score, score
from standout.evaluate.report import Report, compare, read_rows


def a_score(name: str, *, quality: float = 1.0, source: str = "drawn", people: int = 40, seed: int = 0) -> Score:
    """A square of people, found with a probability that grows with quality."""
    label = np.zeros((60, 60), np.uint8)
    label[:people, :people] = 255
    noise = np.random.default_rng(seed).random(label.shape, np.float32)
    mask = np.float32(quality) * (label / np.float32(255)) + np.float32(1 - quality) * noise
    return score(mask, label, threshold=0.5, tolerance=metrics.TOLERANCE, name=name, source=source)


SCORES = [
    a_score("a_1"),
    a_score("a_2", quality=0.4, seed=1),
    a_score("b_1", source="other", quality=0.5, people=10, seed=2),
    a_score("e_1", source="nobody", quality=0.45, people=0, seed=3),
]


def test_means_are_by_source_and_size_and_without_photos_of_nobody() -> None:
    report = Report(SCORES)
    assert list(report.by_source) == ["all", "drawn", "other"]
    assert report.by_source["all"]["dice"].n == 3
    assert report.by_source["all"]["dice"].mean == pytest.approx(np.mean([s.dice for s in SCORES[:3]]))
    assert {size: row["dice"].n for size, row in report.by_size.items()} == {"small": 1, "large": 2}
    assert report.nobody is not None and report.nobody.n == 1
    assert report.nobody.mean == SCORES[3].area > 0


def test_dice_over_the_threshold_is_that_of_masks_cut_there() -> None:
    label = np.zeros((50, 50), np.uint8)
    label[:25] = 255
    mask = np.random.default_rng(0).random((50, 50)).astype(np.float32)
    one = score(mask, label, threshold=0.5, tolerance=0.01, name="n", source="s")
    for threshold, dice in Report([one]).thresholds["all"].items():
        assert dice == pytest.approx(metrics.dice(mask >= threshold - 1e-6, label > 127), abs=0.002), threshold


def test_a_calibrated_model_has_a_small_error_and_a_timid_one_a_large() -> None:
    rng = np.random.default_rng(0)
    probability = rng.random((300, 300)).astype(np.float32)
    label = np.where(rng.random(probability.shape) < probability, 255, 0).astype(np.uint8)
    timid = (0.5 + (probability > 0.5) * 0.1 - 0.05).astype(np.float32)
    good, bad = (
        Report([score(mask, label, threshold=0.5, tolerance=0.01, name="n", source="s")])
        for mask in (probability, timid)
    )
    assert good.calibration_error < 0.02 < 0.1 < bad.calibration_error
    assert sum(one["pixels"] for one in good.calibration) == pytest.approx(1)


def test_the_worst_come_first_whatever_is_wrong_with_them() -> None:
    assert [one.name for one in Report(SCORES).worst(2)] == sorted(
        (one.name for one in SCORES), key=lambda name: -next(s.badness for s in SCORES if s.name == name)
    )[:2]


def test_the_file_holds_all_and_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(Report(SCORES, {"data": {"fingerprint": "f"}}).to_json())
    assert json.loads(path.read_text())["by_source"]["all"]["dice"]["n"] == 3
    assert read_rows(path, fingerprint="f") == [one.row() for one in SCORES]
    with pytest.raises(InputError, match="other photos or masks"):
        read_rows(path, fingerprint="g")
    path.write_text("[]")
    with pytest.raises(InputError, match="is not a file that `standout evaluate --json` wrote"):
        read_rows(path, fingerprint="f")


def test_comparing_finds_the_better_one_and_admits_what_it_cannot_tell() -> None:
    good, bad = ([a_score(f"p_{n}", quality=q, seed=n).row() for n in range(30)] for q in (0.5, 0.4))
    assert compare(bad, good).verdict == "better"
    assert compare(good, bad).verdict == "worse"
    assert compare(good, good).verdict == "no difference that 30 photos can show"
    assert compare(good, [a_score("elsewhere").row()]).verdict == "no photo in common"


def test_less_area_on_photos_of_nobody_is_better() -> None:
    good, bad = ([a_score(f"e_{n}", quality=q, people=0, seed=n).row() for n in range(10)] for q in (0.48, 0.4))
    found = compare(bad, good)
    assert found.dice is None and found.area is not None and found.area.mean > 0
    assert found.verdict == "better"


def test_gaps_are_between_groups_that_have_photos(tmp_path: Path) -> None:
    table = tmp_path / "groups.csv"
    table.write_text("name,light,pose\na_1.jpg,day,\na_2,night,sitting\nb_1,night,\nzzz,dusk,standing\n")
    report = Report(SCORES, groups=read_groups(table))
    assert list(report.gaps) == ["light"]
    rows, gap = report.gaps["light"]
    assert {name: row.n for name, row in rows.items()} == {"day": 1, "night": 2}
    assert gap.mean == pytest.approx(SCORES[0].dice - (SCORES[1].dice + SCORES[2].dice) / 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("photo,skin\na,dark\n", "needs the columns name"),
        ("name\na\n", "one or more labels"),
        ("", "needs the columns"),
    ],
)
def test_a_table_of_groups_that_will_not_do(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "g.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_groups(tmp_path / "g.csv")
    with pytest.raises(InputError, match="does not exist"):
        read_groups(tmp_path / "h.csv")
