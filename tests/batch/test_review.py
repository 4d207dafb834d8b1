"""The page of a review: the order, what it leaves out, and what it may be written over."""

import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from standout.batch import review
from standout.batch.ledger import Result
from standout.errors import OutputError


def made(name: str, confidence: float | None, *, status: str = "done") -> Result:
    """A result whose photo and picture lie on the disk."""
    source, target = Path(f"{name}.png"), Path(f"out dir/{name}.png")
    target.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(source), np.full((30, 20, 3), 90, np.uint8))
    cv2.imwrite(str(target), np.full((30, 20, 4), 90, np.uint8))
    return Result(source, target, status, person_share=0.5, confidence=confidence, nobody=0.0)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def captions(page: bytes) -> list[str]:
    return re.findall("<figcaption>(.*?)</figcaption>", page.decode())


def test_the_doubtful_come_first_and_those_nobody_judged_last() -> None:
    results = [made("good", 0.97), made("unknown", None), made("bad", 0.31), made("fair", 0.8)]
    page = review.to_page(results, beside=Path.cwd())
    assert [caption.split(", ")[-2] for caption in captions(page)] == ["bad.png", "fair.png", "good.png", "unknown.png"]
    text = page.decode()
    assert "1 likely wrong (confidence below 0.7), 1 worth a look (confidence 0.7 to 0.9), 1 likely right" in text
    assert "1 could not be judged" in text and text.count("<img") == 4
    assert 'href="out%20dir/bad.png"' in text and "http" not in text, "nothing from elsewhere, and it opens from a disk"


def test_failures_are_named_and_kept_ones_counted() -> None:
    failed = Result(Path("<b>.jpg"), None, "failed", error="it is <broken>")
    page = review.to_page([made("a", 0.5), made("b", None, status="kept"), failed], beside=Path.cwd()).decode()
    assert '<p class="error">&lt;b&gt;.jpg: it is &lt;broken&gt;</p>' in page and "1 were there already" in page


def test_a_page_about_thousands_shows_the_most_doubtful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review, "MOST", 3)
    first = made("a", 0.5)
    many = [replace(first, confidence=1 - n / 2000) for n in range(2000)]
    page = review.to_page(many, beside=Path.cwd())
    assert [caption.split(", ")[0] for caption in captions(page)] == [f"confidence {n}" for n in ("0.00",) * 3]
    assert "The 3 most doubtful are shown, of 2,000." in page.decode()


def test_a_clip_is_named_by_its_worst_frame() -> None:
    clip = Result(Path("c.mp4"), Path("c.webm"), "done", confidence=0.9, least_confidence=0.2)
    page = review.to_page([made("a", 0.5), clip], beside=Path.cwd()).decode()
    assert page.index("confidence 0.90, at worst 0.20, c.mp4") < page.index("a.png") and 'href="c.webm"' in page


def test_a_picture_that_is_gone_is_said() -> None:
    gone = made("a", 0.5)
    gone.source.unlink()
    page = review.to_page([gone], beside=Path.cwd()).decode()
    assert "<img" not in page and "a.png does not exist" in page


def test_only_an_earlier_review_is_written_over() -> None:
    path = Path("sheet.html")
    review.write(path, [made("a", 0.5)])
    review.write(path, [made("b", 0.5)])
    assert b"b.png" in path.read_bytes()
    path.write_text("<title>My holidays</title>")
    with pytest.raises(OutputError, match="no earlier review, so it is kept"):
        review.write(path, [made("a", 0.5)])
    assert "holidays" in path.read_text()
    with pytest.raises(OutputError, match=r"ends in \.html"):
        review.check(Path("sheet.png"))
