"""Measures how long each effect, and each thing that people are dressed with, takes on a photo of 12 megapixels.

    .venv/bin/python benchmarks/effects_time.py [--rounds 7]

The photo is the drawn figure of figure.py, whose mask is known, so that no model takes part. Each round makes every
picture once, in one thread, and the best of the rounds counts. It is the processor's time that is measured, and told
as a ratio to that of the blur in the same run: beside other programs, the time that passes says little. The memory is
the peak of what was allocated while the picture was made, the picture itself included.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from pathlib import Path

import cv2
import numpy as np
from figure import scene

from standout.editing import Dress, Edit
from standout.effects import Blur, Checker, Color, Cut, Effect, Gradient, Lens, Matte, Pixelate, Replace
from standout.lengths import Length

HILLS = Path(__file__).parents[1] / "examples" / "background.jpg"
HEIGHT, WIDTH = 4000, 3000


def edits() -> dict[str, Edit]:
    """What is measured, by the options with which it is typed. The first is what all others are compared with."""
    color = Color("white")
    hills = Replace(HILLS)
    effects: dict[str, Effect] = {
        "blur": Blur(),
        "cut": Cut(),
        "color": color,
        "replace": hills,
        "pixelate": Pixelate(),
        "lens": Lens(),
        "lens --falloff 0": Lens(falloff=0),
        "lens --strength 0.1": Lens(0.1),
        "gradient": Gradient(),
        "gradient --radial": Gradient(radial=True),
        "checker": Checker(),
        "mask": Matte(),
    }
    dresses = {
        "color --shadow soft": (color, Dress(shadow="soft")),
        "color --shadow contact": (color, Dress(shadow="contact")),
        "color --outline 8": (color, Dress(outline=Length(8))),
        "color --outline 2%": (color, Dress(outline=Length(2, "%"))),
        "replace --light-wrap 0.5": (hills, Dress(light_wrap=0.5)),
        "replace --match 0.5": (hills, Dress(match=0.5)),
        "cut --shadow soft": (Cut(), Dress(shadow="soft")),
        "cut --outline 2% --shadow soft": (Cut(), Dress(shadow="soft", outline=Length(2, "%"))),
    }
    plain = {name: Edit(effect) for name, effect in effects.items()}
    return plain | {name: Edit(effect, dress=dress) for name, (effect, dress) in dresses.items()}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, metavar="N")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    image, mask = scene(HEIGHT, WIDTH)
    mask = np.asarray(np.clip(cv2.GaussianBlur(mask, (0, 0), 1.5), 0, 1), np.float32)
    measured = edits()
    best = dict.fromkeys(measured, float("inf"))
    for _ in range(options.rounds):
        for name, edit in measured.items():
            begun = time.process_time()
            edit.painted(image, mask)
            best[name] = min(best[name], time.process_time() - begun)
    tracemalloc.start()
    peaks = {}
    for name, edit in measured.items():
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        edit.painted(image, mask)
        peaks[name] = (tracemalloc.get_traced_memory()[1] - held) / 1e6
    blur = best["blur"]
    print("| effect | time, blur = 1 | peak MB |\n|---|---|---|")
    for name, seconds in best.items():
        print(f"| `{name}` | {seconds / blur:.1f} | {peaks[name]:.0f} |")
    share = 100 * float(mask.mean())
    print(f"\nA photo of {WIDTH}x{HEIGHT} pixels, {share:.0f} % of it person; one thread, best of {options.rounds}.")


if __name__ == "__main__":
    main()
