"""The machine on which figures are measured, and the original project's figures, which were measured elsewhere."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

ORIGINAL = {
    ("ResNet101", "Threadripper 1900X, one process"): 2140,
    ("MobileNetV2", "Threadripper 1900X, one process"): 437,
    ("ResNet101", "GTX 1080 Ti"): 43,
    ("MobileNetV2", "GTX 1080 Ti"): 24,
}
"""(Encoder, machine) -> milliseconds for a photo, from the README of the original hackathon project."""

CAVEAT = "The original project's figures, from its README; machines and photos differ, so read only their order."


@dataclass(frozen=True)
class Machine:
    """The machine that measures.

    used: how many of its cores this process may use. busy: the share of all cores' time that other programs took just
    before, 0..1. memory_gb and busy are None where the system does not tell.
    """

    processor: str
    cores: int
    used: int
    memory_gb: float | None
    system: str
    python: str
    busy: float | None = None

    def __str__(self) -> str:
        """The machine in a line of text."""
        cores = f"{self.used} of {self.cores} cores" if self.used != self.cores else f"{self.cores} cores"
        memory = "" if self.memory_gb is None else f", {self.memory_gb:.0f} GB"
        return f"{self.processor}, {cores}{memory}; {self.system}, Python {self.python}"


def look(*, used: int) -> Machine:
    """This machine, as it is before anything is measured. used: how many cores this process may use."""
    cores, memory = os.cpu_count() or 1, _memory()
    return Machine(_processor(), cores, used, memory, platform.system(), platform.python_version(), _busy())


def _busy(seconds: float = 0.3) -> float | None:
    """The share of their time in which cores work while this process waits, 0..1; None where it is not known."""
    before = _ticks()
    if before is None:
        return None
    time.sleep(seconds)
    after = _ticks() or before
    passed = [late - early for early, late in zip(before, after, strict=True)]
    return 1 - sum(passed[3:5]) / max(1, sum(passed))  # the fourth and fifth are idle time and waiting for disks


def _ticks() -> list[int] | None:
    """The clock ticks since Linux started, by what cores did in them; None on other systems."""
    told = Path("/proc/stat")
    return [int(text) for text in told.read_text().split("\n", 1)[0].split()[1:9]] if told.is_file() else None


def _processor() -> str:
    """The processor's name, or its kind where the system does not tell the name."""
    told = Path("/proc/cpuinfo")
    if told.is_file():
        for line in told.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    if platform.system() == "Darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.stdout.strip():
            return done.stdout.strip()
    return platform.processor() or platform.machine() or "unknown processor"


def _memory() -> float | None:
    """The machine's memory in GB; None where the system does not tell."""
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in names or "SC_PAGE_SIZE" not in names:
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
