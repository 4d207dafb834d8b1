"""A process in place of standout.serve.jobs.work, which edits nothing: it does what the name of its file says.

steps.mp4   five steps, then a result
hang.mp4    a step, then nothing until it is killed
crash.mp4   a step, then it kills itself
once.mp4    kills itself the first time, and is done the second time
bug.mp4     raises what no process should raise
wrong.mp4   cannot be done
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from standout.errors import InputError
from standout.serve.jobs import work
from standout.serve.jobs.order import JobOrder, JobPlan, PlannedFile

RESULT = bytes(range(256)) * 40


def checked(shown: dict[str, str]) -> dict[str, Any]:
    given = JobOrder.read(Path()).files[0]
    planned = PlannedFile(given.path, "out/0001.mp4", given.name, f"result-{given.name}", 5)
    JobPlan((planned,), planned.target, planned.result, "video/mp4").write(Path())
    return {"end": {}}


def step(done: int, kept: int = 0) -> None:
    work._tell({"step": {"done": done, "total": 5, "share": done / 5, "kept": kept}})


def made(room: int, shown: dict[str, str]) -> dict[str, Any]:
    plan = JobPlan.read(Path())
    name, marks = plan.files[0].name, Path("begun")
    marks.write_text(marks.read_text() + "x" if marks.exists() else "x")
    step(1)
    if name == "hang.mp4":
        time.sleep(10_000)
    if name == "crash.mp4" or (name == "once.mp4" and marks.read_text() == "x"):
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "bug.mp4":
        raise RuntimeError(f"a bug at {Path.cwd()}")
    if name == "wrong.mp4":
        raise InputError(f"{Path.cwd()}/{plan.files[0].source} is wrong")
    for done in range(2, 6):
        step(done)
    Path(plan.target).write_bytes(RESULT)
    return {"end": {"done": 1, "failures": {}, "left_out": 0}}


if __name__ == "__main__":
    work._checked, work._made = checked, made  # type: ignore[assignment]
    sys.exit(work.main(sys.argv[1:]))
