"""Whole programs beside standout: benchmarks/peers_whole.py and the scripts that users would write."""

import argparse
import importlib
import os
import subprocess
import sys
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"

COPY = """
import pathlib, shutil, sys
source, target = map(pathlib.Path, sys.argv[1:3])
if source.is_dir():
    target.mkdir()
    for photo in sorted(source.iterdir())[:int(sys.argv[3])]:
        shutil.copy(photo, target / f"{photo.stem}.png")
else:
    shutil.copy(source, target)
"""
"""A program that makes as many pictures of a folder as it is told."""


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> Any:
    """benchmarks/peers_whole.py, which is in no package."""
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("needs a system on which a process can be held to some cores")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("peers_whole")


def program(whole: Any, tmp_path: Path, *, makes: int, **more: Any) -> Any:
    """The program COPY, installed."""
    (tmp_path / "copy.py").write_text(COPY)
    words = (sys.executable, str(tmp_path / "copy.py"), "{source}", "{target}", str(makes))
    listed = importlib.import_module("peers_whole_list")
    made = listed.Program("copy", "Copy", "none", photo=words, folder=words, clip=words, **more)
    return whole.Installed(made, tmp_path, tmp_path / "model.onnx", tmp_path / "home", 1_000_000)


def test_a_command_has_its_places_filled_in(whole: Any, tmp_path: Path) -> None:
    listed = importlib.import_module("peers_whole_list")
    every = {one.name: one for one in listed.programs()}
    rembg = whole.Installed(every["rembg-u2netp"], Path("/env/bin"), Path("/m.onnx"), Path("/home"), 0)
    words = rembg.words(rembg.program.clip, Path("/in.mp4"), Path("/made/out.mp4"))
    assert words[2].endswith("-pix_fmt rgb24 pipe:1 | /env/bin/rembg b -m u2netp 1280 720 -o /made/out/%04d.png")
    script = whole.Installed(every["modnet"], Path("/env/bin"), Path("/m.onnx"), Path("/home"), 0)
    words = script.words(script.program.photo, Path("/in.jpg"), Path("/made/out.png"))
    assert words == ["/env/bin/python", str(BENCHMARKS / "peers_run" / "user_onnx.py"), "cut", "/m.onnx", "/in.jpg",
                     "/made/out.png"]  # fmt: skip
    assert (BENCHMARKS / "peers_run" / "user_onnx.py").is_file()


def test_an_incomplete_result_is_no_result(whole: Any, tmp_path: Path) -> None:
    whole.photos(tmp_path / "many", 3)
    target = tmp_path / "made" / "out"
    for makes in (3, 2):
        one = program(whole, tmp_path, makes=makes)
        if makes == 3:
            seconds, peak = whole.spent(one, one.program.folder, tmp_path / "many", target, 1)
            assert seconds > 0 and peak > 1
        else:
            with pytest.raises(whole.GetError, match="it made 2 pictures of 3"):
                whole.spent(one, one.program.folder, tmp_path / "many", target, 1)
    broken = (sys.executable, "-c", "raise SystemExit('no model there')")
    with pytest.raises(whole.GetError, match="no model there"):
        whole.spent(one, broken, tmp_path / "many", target, 1)


def test_programs_take_turns_and_those_that_fail_are_left_out(whole: Any, tmp_path: Path) -> None:
    options = argparse.Namespace(rounds=2, cores=1, photos=2, frames=6)
    good = program(whole, tmp_path, makes=2)
    bad = replace(good, program=replace(good.program, name="bad", folder=("/no/such",)))
    results: dict[str, Any] = {"programs": {"copy": {}, "bad": {}}, "failed": {}}
    whole.measure("folder", [good, bad], options, results)
    assert results["programs"]["copy"]["folder"]["pictures"] == 2 and results["programs"]["bad"] == {}
    assert "/no/such cannot be run" in results["failed"]["bad"] and results["timing"]["rounds"] == 2


def test_a_slow_program_gets_the_beginning_of_the_clip(
    whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole.video, "_frames", lambda: repeat(np.zeros((360, 640, 3), np.uint8)))
    options = argparse.Namespace(rounds=1, cores=1, photos=2, frames=6)
    every = [program(whole, tmp_path, makes=1), program(whole, tmp_path, makes=1, frames=3)]
    (tmp_path / "clips").mkdir()
    results: dict[str, Any] = {"programs": {"copy": {}}, "failed": {}}
    (job,) = whole.jobs("clip", every, tmp_path / "clips", options)
    assert {frames: whole.pictures(clip) for frames, clip in job.sources.items()} == {0: 6, 3: 3}
    whole.measure("clip", every[1:], options, results)
    assert results["programs"]["copy"]["clip"]["pictures"] == 3 and not results["failed"]


def test_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    show = importlib.import_module("peers_whole_show")

    def row(title: str, seconds: float, frames: int, *, ours: bool) -> dict[str, Any]:
        clip = {"seconds": seconds, "peak": 300, "pictures": frames}
        photo = {"seconds": seconds / 10, "peak": 100, "pictures": 1}
        return {"title": title, "ours": ours, "bytes": 123e6, "clip": clip, "photo": photo}

    results = {
        "programs": {
            "standout-mobile": row("standout-mobile", 5, 150, ours=True), "slow": row("Slow", 10, 30, ours=False),
        },
        "timing": {"cpu": "a CPU", "cores": 2, "used": 2, "date": "2026-01-01", "rounds": 2},
        "absent": {"other": "no weights"}, "failed": {},
    }  # fmt: skip
    lines = show.table(results).splitlines()
    assert lines[2] == "| **standout-mobile** | 0.50 (1.0) | - | - | 30.0 (1.0) | 100, -, -, 300 | 123 |"
    assert lines[3] == "| Slow | 1.00 (2.0) | - | - | 3.0 (10.0) | 100, -, -, 300 | 123 |"
    assert "the first 30 of 150 frames" in lines[-1] and "Left out: other (no weights)." in lines[-1]


def test_the_script_of_modnets_users_cuts_people_out_and_blurs_the_rest(whole: Any, tmp_path: Path) -> None:
    """A network that finds the red half: it is opaque in the photo, and the other half of the clip is blurred."""
    onnx = pytest.importorskip("onnx")
    ends = [onnx.helper.make_tensor_value_info(name, 1, [1, planes, None, None])
            for name, planes in (("input", 3), ("alpha", 1))]  # fmt: skip
    takes = [onnx.helper.make_tensor(name, 7, [1], [value]) for name, value in (("start", 0), ("end", 1), ("axis", 1))]
    node = onnx.helper.make_node("Slice", ["input", "start", "end", "axis"], ["alpha"])
    graph = onnx.helper.make_graph([node], "red", ends[:1], ends[1:], takes)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(tmp_path / "red.onnx"))
    photo = np.zeros((96, 128, 3), np.uint8)
    photo[:, :64, 2] = 255  # OpenCV's order: red is last
    photo[::8, 64:, 1] = 255
    cv2.imwrite(str(tmp_path / "in.png"), photo)
    out = cv2.VideoWriter(str(tmp_path / "in.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 30, (128, 96))
    for _ in range(3):
        out.write(photo)
    out.release()
    script = [sys.executable, str(BENCHMARKS / "peers_run" / "user_onnx.py")]
    for task, source, target in (("cut", "in.png", "out.png"), ("blur", "in.mp4", "out.mp4")):
        words = [*script, task, str(tmp_path / "red.onnx"), str(tmp_path / source), str(tmp_path / target)]
        subprocess.run(words, check=True)
    cut = np.asarray(cv2.imread(str(tmp_path / "out.png"), cv2.IMREAD_UNCHANGED))
    assert cut.shape == (96, 128, 4) and (cut[:, :62, 3] > 250).all() and (cut[:, 66:, 3] == 0).all()
    assert whole.pictures(tmp_path / "out.mp4") == 3
    clip = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    shown = clip.read()[1]
    stripes = [float(np.asarray(one[10:-10, 80:120, 1], float).mean(1).std()) for one in (photo, shown)]
    assert stripes[1] < 0.2 * stripes[0], "the stripes of the other half"
