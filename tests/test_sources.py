"""What cards and the documentation say about the training photos: scripts/sources.py."""

import re
from collections import Counter

import pytest

from tests.conftest import ROOT, shared
from tests.test_packaging import script

SOURCES = script("sources")


def test_the_sources_are_those_of_the_photos_at_hand() -> None:
    people = shared("people")
    for part in ("train", "val"):
        there = Counter(path.stem.rpartition("_")[0] for path in (people / part / "images").iterdir())
        told = {name: getattr(source, part) for name, source in SOURCES.SOURCES.items() if getattr(source, part)}
        assert told == there, part


@pytest.mark.parametrize("name", SOURCES.SOURCES)
def test_a_card_tells_each_source_with_its_license(name: str) -> None:
    source = SOURCES.SOURCES[name]
    assert f"{name} {source.train:,} ({source.maker}; license: {source.license})" in SOURCES.DATA


def test_the_page_of_the_models_has_the_same_table() -> None:
    page = (ROOT / "docs" / "models.md").read_text()
    found = re.search(r"<!-- sources -->\n(.*?)\n<!-- /sources -->", page, re.DOTALL)
    assert found is not None and found[1] == SOURCES.sources_table(), "write sources.sources_table() there"
    assert f"| all | {sum(source.train for source in SOURCES.SOURCES.values()):,} | 569 |" in found[1]
