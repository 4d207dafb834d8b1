"""A drawn clip in a folder of its own."""

from pathlib import Path

import pytest

from tests.video.drawn import make


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return make(tmp_path / "in" / "clip.mp4")
