"""Measures whether `standout train --minutes N` ends when it should, whatever else the machine does.

    .venv/bin/python benchmarks/minutes.py [--data ../shared/people] [--minutes 5 10 30]

standout-tiny is fine-tuned on the selfies. The time is that of the whole command, from its start to its end. The runs
go to runs/minutes-N; one that is there already is not repeated.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from standout.train.callbacks import read_log

ROOT = Path(__file__).parents[1]


def took(minutes: float, data: Path, out: Path) -> float:
    """The seconds that the command takes."""
    kept = out / "took.json"
    if not kept.exists():
        command = [sys.executable, "-m", "standout", "train", "--data", str(data), "--init", "standout-tiny"]
        command += ["--set", 'data.sources=["picsart"]', "--device", "cpu", "--minutes", f"{minutes:g}", "-o", str(out)]
        began = time.monotonic()
        subprocess.run(command, check=True)
        kept.write_text(json.dumps({"seconds": time.monotonic() - began}))
    return float(json.loads(kept.read_text())["seconds"])


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "people")
    parser.add_argument("--minutes", type=float, nargs="+", default=[5, 10, 30])
    options = parser.parse_args()
    print("| asked for | took | difference | epochs | photos drawn | photos/s, slowest to fastest epoch |")
    print("|---|---|---|---|---|---|")
    for minutes in options.minutes:
        out = ROOT / "runs" / f"minutes-{minutes:g}"
        seconds = took(minutes, options.data, out)
        rows = read_log(out / "log.csv")
        rates = [row["photos_per_second"] for row in rows]
        drawn = sum(row["photos_per_second"] * row["seconds"] for row in rows)
        cells = (
            f"{minutes:g} min",
            f"{seconds / 60:.2f} min",
            f"{seconds / 60 / minutes - 1:+.1%}",
            str(len(rows)),
            f"{drawn:.0f}",
            f"{min(rates):.1f} to {max(rates):.1f}",
        )
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
