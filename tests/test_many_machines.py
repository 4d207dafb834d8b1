"""The recipes of docs/guides/many-machines.md, run as they are printed; a server of this machine holds the bucket."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import yaml

from standout import images
from tests.conftest import ROOT, SAMPLE
from tests.s3_server import CREDENTIALS, server
from tests.waiting import LIMIT

PAGE = (ROOT / "docs" / "guides" / "many-machines.md").read_text()
PHOTOS = 5


def recipes() -> dict[str, list[str]]:
    """Name of the variable that says which part it is -> what runs a part of the work."""
    slurm = next(block for block in re.findall(r"```bash\n(.*?)```", PAGE, re.S) if "SBATCH" in block)
    job = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", PAGE, re.S)[0])
    container = job["spec"]["template"]["spec"]["containers"][0]
    assert job["spec"]["completions"] == 16 and "--array=1-16" in slurm
    return {
        "SLURM_ARRAY_TASK_ID": ["bash", "-c", slurm],
        "JOB_COMPLETION_INDEX": [*container["command"], *container["args"]],
    }


@pytest.mark.slow
@pytest.mark.parametrize(("variable", "parts"), [("SLURM_ARRAY_TASK_ID", (1, 2)), ("JOB_COMPLETION_INDEX", (0, 1))])
def test_all_parts_together_do_all_photos(variable: str, parts: tuple[int, int], tmp_path: Path) -> None:
    """With two parts in the place of sixteen."""
    pytest.importorskip("moto", reason="needs moto")
    from pyarrow.fs import FileSelector

    command = [text.replace("/16", "/2") for text in recipes()[variable]]
    (tmp_path / "srun").write_text('#!/bin/sh\nexec "$@"\n')
    (tmp_path / "srun").chmod(0o755)
    photo = cv2.resize(images.read(SAMPLE).image, (96, 96), interpolation=cv2.INTER_AREA)
    places = f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    with server() as s3:
        for number in range(PHOTOS):
            s3.put(f"photos/in/{number}.jpg", images.encode(photo, ".jpg"))
        surroundings = os.environ | CREDENTIALS | {"AWS_ENDPOINT_URL": f"http://{s3.host}", "PATH": places}
        done = []
        for part in parts:
            ran = subprocess.run(
                command, env=surroundings | {variable: str(part)}, capture_output=True, text=True, timeout=LIMIT
            )
            assert ran.returncode == 0, ran.stderr
            done.append(len(s3.files().get_file_info(FileSelector("photos/out", allow_not_found=True))))
        assert 0 < done[0] < PHOTOS == done[1]


def test_what_ray_is_told_is_what_ray_takes() -> None:
    """The commands of the block for a cluster are such as bash can read, and name options that there are."""
    block = next(block for block in re.findall(r"```bash\n(.*?)```", PAGE, re.S) if "ray start" in block)
    assert subprocess.run(["bash", "-n", "-c", block], timeout=LIMIT).returncode == 0
    pytest.importorskip("ray", reason="needs ray")
    from ray.scripts.scripts import start

    from standout.cli.batch import Bulk

    named = {option for parameter in start.params for option in parameter.opts}
    assert set(re.findall(r"ray start (--\w+)", block)) <= named
    assert "ray" in Bulk.__dataclass_fields__
