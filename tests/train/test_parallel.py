import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from standout.train.callbacks import read_log
from tests.waiting import LIMIT

SETTINGS = [
    "train.stages=[{epochs=3,size=[96,64]}]",
    "train.precision=32-true",
    "train.frozen_norms=true",  # plain batch norms see only their own process's photos
    "train.frozen_epochs=1",
    "augment.set=original",
]


def command(data: Path, out: Path, *, batch: int, devices: int) -> list[str]:
    settings = [part for setting in [*SETTINGS, f"train.batch={batch}"] for part in ("--set", setting)]
    return ["train", "--data", str(data), "-o", str(out), "--device", "cpu", "--devices", str(devices), *settings]


@pytest.mark.slow
def test_two_processes_learn_as_one_with_the_doubled_batch(data: Path, tmp_path: Path) -> None:
    alone = [sys.executable, "-m", "standout", *command(data, tmp_path / "one", batch=4, devices=1)]
    together = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "-m",
        "standout",
    ]
    together += command(data, tmp_path / "two", batch=2, devices=2)
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    for line in (alone, together):
        done = subprocess.run(line, env=env, capture_output=True, text=True, timeout=LIMIT)
        assert done.returncode == 0, done.stderr[-3000:]
    one, two = (read_log(tmp_path / name / "log.csv") for name in ("one", "two"))
    assert len(one) == len(two) == 3
    for a, b in zip(one, two, strict=True):
        for key in ("loss", "val_loss", "lr"):
            assert a[key] == pytest.approx(b[key], rel=2e-4)
    assert one[0]["val_loss"] != one[-1]["val_loss"], "there was something to learn"
    machine = json.loads((tmp_path / "two" / "run.json").read_text())["sessions"][0]["machine"]
    assert "2 processes" in machine
