import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from standout.benchmark import facts, machine, photo, process, trials
from standout.benchmark.machine import look
from standout.benchmark.process import Reading
from standout.benchmark.report import BenchmarkReport
from standout.benchmark.rounds import Row, measure
from standout.benchmark.trials import Skipped, Trial, spread
from standout.errors import InputError
from standout.runtimes import RUNTIMES
from standout.segmenter import Segmenter
from standout.support.portrait import portrait
from tests.waiting import until

A, B, C = (Trial("network", "m", runtime, "cpu", 1, (64, 64)) for runtime in ("onnx", "openvino", "pytorch"))
FACTS = facts.Facts("m", Path("m.onnx"), (64, 64), 1.0)


def test_trials_take_turns_and_the_first_is_the_measure() -> None:
    asked: list[Trial] = []
    slow = iter([10.0, 20.0, 30.0, 40.0, 1000.0])

    def run(trial: Trial) -> Reading:
        asked.append(trial)
        if trial == A:
            run.last = next(slow)  # type: ignore[attr-defined]
            return Reading(run.last, start_ms=7.0)  # type: ignore[attr-defined]
        return Reading(5.0)

    ticks: list[int] = []
    rows, failed = measure([A, B], run, rounds=5, seconds=60, tick=lambda: ticks.append(1))
    assert asked[:6] == [A, B, B, A, A, B] and len(ticks) == 10 and not failed
    first, second = rows
    assert (first.ratio, first.ms, first.low, first.high, first.rounds) == (1.0, 30.0, 20.0, 40.0, 5)
    assert (first.start_ms, second.start_ms, second.ratio, second.per_second) == (7.0, None, 6.0, 200.0)


def test_each_kind_has_a_first_of_its_own() -> None:
    whole = replace(B, kind="photo")
    rows, _ = measure([A, B, whole], lambda trial: Reading(1.0 if trial == A else 4.0), rounds=1, seconds=0)
    assert [row.ratio for row in rows] == [1.0, 0.25, 1.0]
    assert rows[0].low == rows[0].high == 1.0


def test_no_round_begins_that_would_end_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("standout.benchmark.rounds.time.monotonic", lambda: now[0])

    def run(trial: Trial) -> Reading:
        now[0] += 2
        return Reading(1.0)

    for seconds, rounds in ((0, 1), (7, 1), (8, 2), (100, 9)):
        rows, _ = measure([A, B], run, rounds=9, seconds=seconds)
        assert [row.rounds for row in rows] == [rounds] * 2


def test_what_cannot_run_is_not_tried_again_and_what_broke_is_told_apart() -> None:
    asked: list[Trial] = []
    more = replace(B, kind="photo")

    def run(trial: Trial) -> Reading | Skipped:
        asked.append(trial)
        if trial == A:
            return Reading(1.0)
        return Skipped("m", trial.runtime, "cpu", "no", broken=trial.runtime == "pytorch")

    rows, failed = measure([A, B, C, more, replace(C, kind="photo")], run, rounds=2, seconds=60)
    assert [row.trial for row in rows] == [A]
    assert asked.count(B) == asked.count(C) == 1 and more not in asked, "a device that is not here is so for all kinds"
    assert {(one.runtime, one.broken) for one in failed} == {("openvino", False), ("pytorch", True)}


def test_trials_are_what_runtimes_and_devices_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RUNTIMES, "openvino", replace(RUNTIMES["openvino"], package="no_such_package"))
    found, skipped = spread([FACTS], kinds=["network", "video"], devices=["cpu"], threads=[1, 2])
    assert [(one.kind, one.runtime, one.threads) for one in found] == [
        ("network", "onnx", 1), ("network", "onnx", 2), ("video", "onnx", 1), ("video", "onnx", 2)
    ]  # fmt: skip
    lines = trials.reasons(skipped)
    assert any("'openvino' needs packages" in line and "standout[openvino]" in line for line in lines)
    assert any(line.startswith("m on pytorch") and line.endswith("not for .onnx files") for line in lines)
    found, _ = spread([FACTS], kinds=["network"], names=["auto", "onnx"], devices=["auto", "cuda"], threads=[1, 2])
    assert [(one.device, one.threads) for one in found] == [("cpu", 1), ("cpu", 2), ("cuda", 2)]


def test_the_drawn_portrait_is_found_and_has_edges() -> None:
    """If the model did not find the person, the work on edges would not be timed."""
    segmenter = Segmenter(threads=1)
    for height, width, seed in ((400, 300, 0), (400, 300, 1), (300, 400, 2), (400, 300, 3), (*process.FRAME, 0)):
        mask = segmenter.mask(portrait(height, width, seed=seed))
        assert 0.05 < mask.mean() < 0.6
        assert ((mask > 0.02) & (mask < 0.98)).mean() > 0.005
    assert (portrait(60, 40) == portrait(60, 40)).all() and not np.array_equal(
        portrait(60, 40), portrait(60, 40, seed=1)
    )


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system counts otherwise")
def test_memory_is_the_processs_own() -> None:
    """Linux's own count begins with the size of the process that started this one."""
    ballast = np.ones(50_000_000)
    code = "import resource; from standout.benchmark.process import peak; print(peak())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 5 < float(done.stdout) < 100 < ballast.nbytes / 2**20
    assert (process.peak() or 0) > ballast.nbytes / 2**20


def test_photos_are_named_by_size_or_file(tmp_path: Path) -> None:
    assert photo.sides("12mp") == (4000, 3000) and photo.sides("0.5 MP") == (816, 612)
    for wrong in ("0mp", "1000mp"):
        with pytest.raises(InputError, match=r"wanted .* to 200 megapixels"):
            photo.sides(wrong)
    path, said = photo.prepare("0.02mp", tmp_path)
    assert path.read_bytes()[:2] == b"\xff\xd8" and said == "a drawn portrait of 122x163"
    assert photo.prepare(str(path), tmp_path)[1] == "drawn.jpg, 122x163"


def test_tables_are_aligned_and_say_what_they_lack() -> None:
    lacking = facts.Facts("far/away/n.safetensors", Path("n.safetensors"), (64, 64), 4.0, lacking="standout[train]")
    row = Row(A, 12.0, 11.0, 13.0, None, 100.0, 1.0, 2)
    whole = replace(row, trial=replace(A, kind="photo"), ms=2350.0)
    skipped = [Skipped("far/away/n.safetensors", "pytorch", "", "no torch")]
    report = BenchmarkReport(look(used=1), [FACTS, lacking], [row, whole], skipped, rounds=5, photo="a drawn portrait")
    text = report.to_text()
    assert "needs standout[train]" in text and "not measured: n.safetensors on pytorch: no torch" in text
    assert "Rounds: 2 of 5" in text and "far/away" not in text
    assert "2140" in text and "GTX 1080 Ti" in text and "machines and photos differ" in text
    lines = text.splitlines()
    head = next(line for line in lines if "photos/s" in line)
    line = lines[lines.index(head) + 1]
    assert head.index("ratio") + 5 == len(head) == len(line) and "83.3" in line
    assert " 2.35 " in text, "a whole photo in seconds"
    markdown = report.to_markdown()
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert rows and all(line.endswith(" |") for line in rows)
    assert not report.broken


def test_a_busy_machine_is_told_of() -> None:
    row = Row(A, 12.0, 11.0, 13.0, None, 100.0, 1.0, 2)
    for busy, told in ((0.6, True), (0.1, False), (None, False)):
        text = BenchmarkReport(replace(look(used=2), busy=busy), [FACTS], [row], [], rounds=2).to_text()
        assert ("other programs kept 60% of this machine busy" in text) is told


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system does not tell")
def test_other_programs_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 200 ticks, 50 were idle and 10 waited for a disk."""
    told = iter(["cpu  100 0 40 900 60 5 5 0 0 0\ncpu0 1 1\n", "cpu  200 10 60 950 70 10 10 0 0 0\ncpu0 1 1\n"])
    monkeypatch.setattr("standout.benchmark.machine.time.sleep", lambda seconds: None)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_text", lambda path: next(told))
        busy = machine._busy()
    assert busy == pytest.approx(0.7)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system does not tell")
def test_the_system_tells_how_busy_it_is() -> None:
    before = machine._ticks()
    assert before is not None and len(before) == 8
    until(lambda: sum(machine._ticks() or []) > sum(before), "the system counted a further tick")
    assert 0 <= (look(used=1).busy or 0) <= 1
