import importlib.util
import sys
from types import ModuleType

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def publish() -> ModuleType:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        spec = importlib.util.spec_from_file_location("publish", ROOT / "benchmarks" / "publish.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["publish"] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.pop(0)
    return module


def test_what_is_published_is_what_was_measured(publish: ModuleType) -> None:
    """No table of the README or docs was written by hand, none lacks its figures, and each has one home."""
    pages = {page: page.read_text() for page in publish.PAGES}
    for part in publish.PARTS.values():
        kept = (publish.RESULTS / part.kept).read_text()
        for name, table in part.tables.items():
            marked = [page for page, text in pages.items() if f"<!-- {name} -->" in text]
            assert len(marked) == 1, f"{name} stands in {len(marked)} pages: {marked}"
            filled = publish.fill(pages[marked[0]], name, table(kept))
            assert filled == pages[marked[0]], f"run publish.py --tables for {marked[0]}"


def test_only_what_lies_between_the_marks_changes(publish: ModuleType) -> None:
    page = "one <!-- a -->x<!-- /a --> two <!-- b -->y<!-- /b --> three"
    assert (
        publish.fill(page, "b", "| new\\1 |")
        == "one <!-- a -->x<!-- /a --> two <!-- b -->\n| new\\1 |\n<!-- /b --> three"
    )
    assert publish.fill(page, "c", "new") == page


def test_an_unknown_part_is_refused(
    publish: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["publish.py", "coast"])
    with pytest.raises(SystemExit, match="2"):
        publish.main()
    assert "'coast' is no part; choose of peers, cost, exports" in capsys.readouterr().err
