"""Shared pictures: people drawn by code, the sample photo, and the research photos where they are at hand.

And what every test stands on: an environment that is the same wherever the tests are started.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import hypothesis
import numpy as np
import pytest

from tests.surroundings import must_run, prepare, signals
from tests.waiting import once

prepare(os.environ)
"""Before torch and OpenVINO are loaded, which read it only then."""

hypothesis.settings.register_profile("here", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("ci", hypothesis.settings.get_profile("here"), derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") == "true" else "here")
"""How long an example takes says how busy the machine is. On CI the examples are the same in every run."""

MadeOnce = Callable[[str, Callable[[Path], object]], Path]

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
SAMPLE = ROOT / "examples" / "astronaut.jpg"


def drawn_person(height: int = 120, width: int = 90, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A figure (head, body) on a noisy background: image (H, W, 3) uint8 and its exact mask (H, W) uint8."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((height, width), np.uint8)
    centre = (int(width * rng.uniform(0.4, 0.6)), int(height * 0.3))
    cv2.circle(mask, centre, height // 8, 255, -1)
    cv2.ellipse(mask, (centre[0], height), (width // 4, int(height * 0.6)), 0, 180, 360, 255, -1)
    image = rng.integers(0, 90, (height, width, 3), np.uint8)
    skin = np.array([230, 180, 150]) + rng.integers(-20, 20, 3)
    image[mask > 0] = np.clip(skin + rng.integers(-10, 10, (int((mask > 0).sum()), 3)), 0, 255)
    return image, mask


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> Iterator[None]:
    """See signals."""
    with signals():
        yield


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    """The next test finds the environment, the folder and the random numbers that this one found."""
    environment, folder = dict(os.environ), Path.cwd()
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
    yield
    os.chdir(folder)
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """(Name, what makes it) -> the file or folder of that name, made once however many workers run the tests."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    return lambda name, make: once(folder / "made-once" / name, make)


@contextmanager
def converting_once(made_once: MadeOnce) -> Iterator[None]:
    """Exports of one checkpoint convert it once for all tests; 8-bit files hang on each test's own photos."""
    from standout.export.source import Source

    own = Source.once

    def once(source: Source, name: str, make: Callable[[Path], object]) -> Path:
        if "int8" in name:
            return own(source, name, make)
        kind = hashlib.sha256(f"{source.card.to_json()} {source.fixed}".encode()).hexdigest()[:16]
        return made_once(f"{kind}-{name}", make)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Source, "once", once)
        yield


@pytest.fixture
def converted_once(made_once: MadeOnce) -> Iterator[None]:
    """See converting_once."""
    with converting_once(made_once):
        yield


@pytest.fixture(scope="session")
def as_trained(made_once: MadeOnce) -> Callable[[str], Path]:
    """A bundled model's name -> NAME.safetensors, which holds its weights and its card as training writes them."""

    def saved(name: str) -> Path:
        from standout.models.registry import find_checkpoint
        from standout.net import checkpoint

        return made_once(
            f"{name}.safetensors", lambda path: checkpoint.save(*checkpoint.load(find_checkpoint(name)), path)
        )

    return saved


@pytest.fixture
def sample() -> np.ndarray:
    """The sample photo (H, W, 3) uint8."""
    return np.ascontiguousarray(cv2.imread(str(SAMPLE))[..., ::-1])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """On CI, what a test needs must be there: a skip for the lack of it is a failure."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple) and must_run(report.longrepr[2], os.environ):
        report.outcome, report.longrepr = "failed", f"{report.longrepr[2]}; CI must run this test"
    return report


def shared(name: str) -> Path:
    """A folder beside the project; without it the test is skipped."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"needs {folder}")
    return folder


@pytest.fixture(scope="session")
def people() -> Path:
    """The research photos."""
    return shared("people")


@pytest.fixture(scope="session")
def clips() -> Path:
    """The clips of people."""
    return shared("clips")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A small training folder of drawn people: 12 pairs to train on, one of them empty, 4 to validate on."""
    for split, count in (("train", 12), ("val", 4)):
        for part in ("images", "masks"):
            (tmp_path / "data" / split / part).mkdir(parents=True)
        for n in range(count):
            image, mask = drawn_person(seed=n)
            if n == 3:
                image, mask = np.random.default_rng(n).integers(0, 90, image.shape, np.uint8), np.zeros_like(mask)
            cv2.imwrite(str(tmp_path / "data" / split / "images" / f"drawn_{n}.png"), image[..., ::-1])
            cv2.imwrite(str(tmp_path / "data" / split / "masks" / f"drawn_{n}.png"), mask)
    return tmp_path / "data"


@pytest.fixture
def pics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six photos, one of them in a folder of its own; tests run where pics/ is."""
    monkeypatch.chdir(tmp_path)
    Path("pics/sub").mkdir(parents=True)
    for n in range(6):
        image, _ = drawn_person(60, 40, seed=n)
        cv2.imwrite(f"pics/{'sub/' if n == 5 else ''}p{n}.jpg", image[..., ::-1])
    return tmp_path / "pics"
