"""What other packages bring is found by their entry points, and what is wrong with them names the package."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from standout import Segmenter, runtimes
from standout.cli.doctor import Findings
from standout.cli.doctor import _devices as devices_of_machine
from standout.errors import ModelError, SetupError
from standout.support import plugins
from standout.support.plugins import found
from tests.test_imports import command, loaded

GROUP = "standout.effects"


def install(folder: Path, name: str, code: str, *points: str, group: str = GROUP) -> None:
    """A package of that name, installed in folder as pip would: its module, and its metadata with entry points."""
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(code)
    info = folder / f"{module}-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
    (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *points]))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder in which Python looks for packages; what a test installs there is forgotten after it."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    plugins.forget()
    yield folder
    plugins.forget()
    for name in set(sys.modules) - before:
        if name.startswith("standout_"):
            del sys.modules[name]
    importlib.invalidate_caches()


def test_what_a_package_brings_is_found_by_name(site: Path) -> None:
    assert found(GROUP) == {}
    plugins.forget()
    install(site, "standout-glow", "class Glow: pass", "glow = standout_glow:Glow")
    install(site, "standout-two", "one, two = 1, 2", "one = standout_two:one", "two = standout_two:two")
    brought = found(GROUP)
    assert set(brought) == {"glow", "one", "two"}
    assert (brought["glow"], brought["two"]) == (sys.modules["standout_glow"].Glow, 2)
    assert found("standout.layouts") == {}, "each group has its own"


def test_it_is_looked_for_once(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "standout-glow", "class Glow: pass", "glow = standout_glow:Glow")
    first = found(GROUP)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: pytest.fail("looked for again"))
    assert found(GROUP) == first


@pytest.mark.parametrize(
    ("code", "point", "says"),
    [
        ("import no_such_package_at_all", "glow = standout_glow:Glow", "ModuleNotFoundError .*no_such_package_at_all"),
        ("1 / 0", "glow = standout_glow:Glow", "raised ZeroDivisionError"),
        ("", "glow = standout_glow:Glow", "raised AttributeError"),
    ],
)
def test_a_package_that_cannot_be_loaded_is_named(site: Path, code: str, point: str, says: str) -> None:
    install(site, "standout-glow", code, point)
    with pytest.raises(SetupError, match=f"standout-glow 1.5 cannot be loaded: .*{says}.* uninstall it"):
        found(GROUP)


def test_a_name_of_ours_stays_ours(site: Path) -> None:
    install(site, "standout-blurrier", "class Blur: pass", "blur = standout_blurrier:Blur")
    with pytest.raises(SetupError, match=r"standout-blurrier 1.5 adds 'blur' to standout.effects, a name that"):
        found(GROUP, ours=("cut", "blur"))
    assert set(found(GROUP, ours=("cut",))) == {"blur"}


def test_two_packages_with_one_name_are_both_named(site: Path) -> None:
    for name in ("standout-a", "standout-b"):
        install(site, name, "glow = 1", f"glow = {name.replace('-', '_')}:glow")
    with pytest.raises(SetupError, match=r"standout-[ab] 1.5 and standout-[ab] 1.5 both add 'glow'"):
        found(GROUP)


@pytest.mark.parametrize("code", ["import standout; dir(standout)", command("--version")])
def test_nothing_is_looked_for_before_it_is_needed(tmp_path: Path, code: str) -> None:
    assert "standout" in loaded(f"{code}\nimport sys; assert 'importlib.metadata' not in sys.modules", tmp_path)


RUNTIME = """
import numpy as np
from standout.models.card import ModelCard
from standout.runtimes import Runtime, Session

def devices():
    return ["npu"]

def open(path, *, device="auto", threads=None):
    card = ModelCard("half", "1", "resnet18", (96, 64))
    return Session(lambda batch: np.full_like(batch[:, :1], float(path.read_text())), card, "npu", "slate")

SLATE = Runtime("standout_slate", "Slate", (".slate",), ("npu",), "standout_slate")
"""


def test_a_runtime_of_another_package_runs_a_model(site: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.slate"
    model.write_text("0.25")
    with pytest.raises(ModelError, match="no model file that standout can run"):
        runtimes.choose(".slate")
    plugins.forget()
    install(site, "standout-slate", RUNTIME, "slate = standout_slate:SLATE", group=runtimes.GROUP)
    assert runtimes.choose(".slate")[0] == "slate" and runtimes.devices("slate") == ["npu"]
    assert list(runtimes.every()) == [*runtimes.RUNTIMES, "slate"]
    mask = Segmenter(model, runtime="slate", device="auto").mask(np.zeros((40, 30, 3), np.uint8), refine=False)
    np.testing.assert_allclose(mask, np.full((40, 30), 0.25), atol=1e-6)
    with pytest.raises(SetupError, match="'cuda' is not known to Slate"):
        runtimes.choose_device("cuda", runtime="slate")


def test_the_doctor_lists_runtimes_of_other_packages_and_names_what_is_broken(site: Path) -> None:
    install(site, "standout-slate", RUNTIME, "slate = standout_slate:SLATE", group=runtimes.GROUP)
    sound = Findings()
    devices_of_machine(sound)
    assert sound.devices["slate"] == "runs .slate on npu" and not sound.broken
    plugins.forget()
    install(site, "standout-torn", "1 / 0", "torn = standout_torn:TORN", group=runtimes.GROUP)
    torn = Findings()
    devices_of_machine(torn)
    assert torn.devices["onnx"] == sound.devices["onnx"]
    assert len(torn.broken) == 1 and "standout-torn 1.5 cannot be loaded" in torn.broken[0]


def test_an_entry_point_that_is_no_runtime_is_refused(site: Path) -> None:
    install(site, "standout-slate", "SLATE = 3", "slate = standout_slate:SLATE", group=runtimes.GROUP)
    with pytest.raises(
        SetupError, match=r"'slate' of standout.runtimes leads to an object of the type int; wanted a standout.runtimes"
    ):
        runtimes.every()
    assert runtimes.choose(".onnx")[0] in runtimes.RUNTIMES, "other packages do not matter for files that ours run"
