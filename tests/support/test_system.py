import os
import subprocess
import sys
from pathlib import Path

import pytest

from standout import runtimes
from standout.runtimes import onnx
from standout.support import system


def drawn(root: Path, files: dict[str, str]) -> Path:
    """A file system that holds only these control groups' files."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


V1 = {"proc/self/cgroup": "12:memory:/docker/4f2a\n4:cpu,cpuacct:/docker/4f2a\n1:name=systemd:/docker/4f2a\n"}


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 64),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, 64),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 2),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "10000 100000\n"}, 1),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "nonsense\n"}, 64),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": ""}, 64),
        (  # the limit of a group above holds, too
            {
                "proc/self/cgroup": "0::/system.slice/my.service\n",
                "sys/fs/cgroup/system.slice/cpu.max": "300000 100000\n",
                "sys/fs/cgroup/system.slice/my.service/cpu.max": "800000 100000\n",
            },
            3,
        ),
        ({**V1, "sys/fs/cgroup/cpu,cpuacct/docker/4f2a/cpu.cfs_quota_us": "-1\n"}, 64),
        (
            {
                **V1,
                "sys/fs/cgroup/cpu,cpuacct/docker/4f2a/cpu.cfs_quota_us": "400000\n",
                "sys/fs/cgroup/cpu,cpuacct/docker/4f2a/cpu.cfs_period_us": "100000\n",
            },
            4,
        ),
        (  # a container sees its own group as the mount's root, whatever its path outside
            {
                **V1,
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "250000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            3,
        ),
        ({**V1, "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "250000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "0\n"}, 64),
    ],
)
def test_a_containers_quota_is_respected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], cores: int
) -> None:
    monkeypatch.setattr(system, "_allowed", lambda: 64)
    assert system.cores(drawn(tmp_path, files)) == cores


def test_no_quota_gives_more_cores_than_the_process_may_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_allowed", lambda: 2)
    quota = {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "6400000 100000\n"}
    assert system.cores(drawn(tmp_path, quota)) == 2


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity here")
def test_affinity_is_respected() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, sorted(before)[:1])
        assert system.cores() == 1
    finally:
        os.sched_setaffinity(0, before)


def test_the_count_of_newer_pythons_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "process_cpu_count", lambda: 7, raising=False)
    assert system.cores(tmp_path) == 7


def test_a_runtime_that_is_told_no_threads_uses_those_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int | None] = []
    monkeypatch.setattr(runtimes, "cores", lambda: 3)
    monkeypatch.setattr(onnx, "open", lambda path, *, device, threads: given.append(threads))
    runtimes.open(Path("model.onnx"))
    runtimes.open(Path("model.onnx"), threads=1)
    assert given == [3, 1]


def test_the_age_of_this_process_grows_and_is_its_own() -> None:
    first = system.process_age()
    code = "from standout.support.system import process_age; print(process_age())"
    younger = float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert system.process_age() >= first >= 0
    if sys.platform == "linux":
        assert 0 < younger < system.process_age()


@pytest.mark.skipif(sys.platform != "linux", reason="glibc alone keeps what is freed")
def test_what_is_freed_goes_back_to_the_operating_system() -> None:
    code = """
import mmap
from pathlib import Path
from standout.support import system

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE

if {kept}:
    system.keep_little_memory()
large = bytearray(b"1") * 20_000_000
del large  # of this size, and smaller, glibc keeps from now on
before = resident()
parts = [bytearray(b"1") * 4_000_000 for _ in range(8)]
del parts
print(resident() - before < 8_000_000)
"""
    told = [
        subprocess.run(
            [sys.executable, "-c", code.format(kept=kept)], capture_output=True, text=True, check=True
        ).stdout.strip()
        for kept in (True, False)
    ]
    assert told == ["True", "False"]
