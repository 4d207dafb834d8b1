"""Measures what the README and the documentation publish, and writes the tables there.

    .venv/bin/python benchmarks/publish.py                   # everything anew: almost four hours on an idle machine
    .venv/bin/python benchmarks/publish.py cost exports      # these alone
    .venv/bin/python benchmarks/publish.py --tables          # only writes the tables, from benchmarks/results/

A part's figures are kept in benchmarks/results/, with the machine that gave them; its tables stand between the marks
<!-- NAME --> and <!-- /NAME --> in one of the files of PAGES. To add a part: a row in PARTS, and its marks in a page.
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import growth_show
import meeting_show
import peers_whole_show
import ways
from peers_show import brief as peers_brief
from peers_show import table as peers_table

from standout.benchmark import machine
from standout.models.registry import REGISTRY
from standout.support.atomic import write_atomic
from standout.support.system import cores

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
PEOPLE = ROOT.parent / "shared" / "people"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
STANDOUT = [str(Path(sys.executable).parent / "standout")]
BUNDLED = list(REGISTRY)

SOURCES = {
    "picsart": "selfies and portraits (`picsart`)",
    "eg1800": "portraits (`eg1800`)",
    "ccp": "street fashion, full body (`ccp`)",
    "voc": "general scenes (`voc`)",
    "coco": "general scenes, small people (`coco`)",
    "cocoval": "general scenes, held out (`cocoval`)",
}
"""The sources of the validation photos that show people."""


@dataclass(frozen=True)
class Part:
    """kept: its file in results/. measure: makes that file's text. tables: name of the marks -> Markdown out of it."""

    kept: str
    measure: Callable[[], str]
    tables: dict[str, Callable[[str], str]]


def script(name: str, *arguments: str) -> Callable[[], str]:
    """What a script beside this one prints."""
    return lambda: printed([sys.executable, str(Path(__file__).parent / name), *arguments])


def printed(command: list[str]) -> str:
    """What a command prints. It ends this program where it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed with exit code {done.returncode}; nothing of it is published")
    return done.stdout


def signed(text: str) -> str:
    """The Markdown with the machine and the day below."""
    used = machine.look(used=cores())
    return f"{text.strip()}\n\nMeasured on {used}; {datetime.date.today()}.\n"


def peers() -> str:
    """What peers.py found; it keeps the file itself."""
    script("peers.py")()
    return (RESULTS / "peers.json").read_text()


def whole() -> str:
    """What peers_whole.py found; it keeps the file itself."""
    script("peers_whole.py")()
    return (RESULTS / "peers_whole.json").read_text()


def meeting() -> str:
    """What meeting.py found; it keeps the file itself."""
    script("meeting.py")()
    return (RESULTS / "meeting.json").read_text()


def meeting_table(kept: str) -> str:
    """A row a model, with its caption."""
    found = json.loads(kept)
    return f"{meeting_show.overview(found)}\n\n{meeting_show.caption(found)}"


def exports() -> str:
    """The bundled models' proofs in every target and precision, over every third photo of those for validation."""
    with tempfile.TemporaryDirectory() as folder:
        rows = ["image,mask,split"]
        for part, step in (("train", 40), ("val", 3)):
            for image in sorted((PEOPLE / part / "images").iterdir())[::step]:
                rows.append(f"{image},{PEOPLE / part / 'masks' / image.stem}.png,{part}")
        (Path(folder) / "some.csv").write_text("\n".join(rows))
        precisions = "float32,float16,int8"
        out, proofs, failed = ["--data", f"{folder}/some.csv", "-o", f"{folder}/out"], [], []
        for name in BUNDLED:
            command = [*STANDOUT, "export", name, "--to", "all", "--precision", precisions, *out]
            done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
            if done.returncode not in (0, 1):  # 1: some proofs failed
                sys.exit(f"{' '.join(command)} failed; nothing of it is published\n{done.stderr}")
            proofs += json.loads((Path(folder) / "out" / f"{name}.proof.json").read_text())
            start = f"error: {folder}/out/"
            failed += [line.removeprefix(start) for line in done.stderr.splitlines() if line.startswith(start)]
    return json.dumps({"proofs": proofs, "failed": failed, "signed": signed("")}, indent=1)


def exports_table(kept: str) -> str:
    """A row an export; those that were refused below."""
    found = json.loads(kept)
    lines = [
        "| file | MB | ms, one thread | run by | probability: mean, most | Dice | 95 % |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in found["proofs"]:
        dice, ms = one["dice"], one["milliseconds"]
        cells = [f"`{one['file']}`", f"{one['megabytes']:.1f}", f"{ms:.1f}" if ms else "-", one["runtime"]]
        cells += [f"{one['mean']:.4f}, {one['largest']:.2f}", f"{dice['mean']:+.4f}"]
        cells += [f"{dice['low']:+.4f} to {dice['high']:+.4f}"]
        lines.append(f"| {' | '.join(cells)} |")
    refused = [f"- {line}" for line in found.get("failed", [])]
    if refused:
        lines += ["", "Not to be had, as their proofs fail:", "", *refused]
    photos = found["proofs"][0]["dice"]["n"]
    note = f"Differences to the checkpoint; Dice over {photos} photos of people, portraits to general scenes."
    return "\n".join([*lines, "", f"{note} {found['signed'].strip()}"])


def quality_table(kept: str) -> str:
    """How good the bundled models are, by kind of photo; of the first, also without test-time augmentation."""
    found = json.loads(kept)["peers"]
    ours = [found[name]["quality"] for name in (BUNDLED[0], f"{BUNDLED[0]}-once", *BUNDLED[1:])]
    heads = ["photos", "n", f"`{BUNDLED[0]}`", "95 %", "without TTA", *(f"`{name}`" for name in BUNDLED[1:])]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for source, name in SOURCES.items():
        if not all(source in one["means"] for one in ours):
            continue  # it joined the validation photos after these figures were measured
        first, *others = (one["means"][source]["dice"] for one in ours)
        span = f"{first['low']:.4f} to {first['high']:.4f}"
        cells = [name, str(first["n"]), f"{first['mean']:.3f}", span, *(f"{one['mean']:.3f}" for one in others)]
        lines.append(f"| {' | '.join(cells)} |")
    first, *others = (one["nobody"] for one in ours)
    span = f"{100 * first['low']:.2f} to {100 * first['high']:.2f} %"
    shares = [f"{100 * one['mean']:.2f} %" for one in (first, *others)]
    cells = ["nobody (`empty`): area called person", str(first["n"]), shares[0], span, *shares[1:]]
    return "\n".join([*lines, f"| {' | '.join(cells)} |"])


def cost() -> str:
    """What the bundled models cost, with the original project's figures beside."""
    return signed(printed([*STANDOUT, "benchmark", *BUNDLED, "--photo", "12mp", "--seconds", "180", "--markdown"]))


def growth() -> str:
    """What growth.py found; it keeps the file itself."""
    script("growth.py", "--anew", "--minutes", "120")()
    return (RESULTS / "growth.json").read_text()


def grown(table: Callable[[growth_show.Points], str]) -> Callable[[str], str]:
    """That table of growth_show, of what is kept."""
    return lambda kept: table(json.loads(kept))


def grown_by(part: str) -> Callable[[str], str]:
    """All points of a part."""
    return lambda kept: growth_show.each(json.loads(kept), part)


def details(kept: str) -> str:
    """Peers' scores by source with intervals, and differences to the bundled model."""
    return peers_table(json.loads(kept), details=True)


def overview(kept: str) -> str:
    """A row a peer."""
    return peers_table(json.loads(kept))


RIVALS = ("selfie", "u2netp", "u2net", "isnet")
"""Of the models in results/peers.json, those that the README shows beside the bundled one."""


def rivals(kept: str) -> str:
    """The README's table: the bundled model and its rivals, from the figures of the table of peers."""
    return peers_brief(json.loads(kept), [BUNDLED[0], *RIVALS])


def paragraph(number: int) -> Callable[[str], str]:
    """That one of what is kept, where one script prints several tables."""
    return lambda kept: kept.strip().split("\n\n")[number]


PARTS = {
    "peers": Part(
        "peers.json",
        peers,
        {
            "peers": overview,
            "peers-details": details,
            "rivals": rivals,
            "quality": quality_table,
        },
    ),
    "cost": Part("cost.md", cost, {"cost": str}),
    "exports": Part("exports.json", exports, {"exports": exports_table}),
    "whole": Part("peers_whole.json", whole, {"whole": lambda kept: peers_whole_show.table(json.loads(kept))}),
    "meeting": Part(
        "meeting.json",
        meeting,
        {"meeting": meeting_table, "meeting-scenes": lambda kept: meeting_show.scenes(json.loads(kept))},
    ),
    "speed": Part("speed.md", lambda: signed(script("speed.py")()), {"speed": str}),
    "video": Part("video.md", lambda: signed(script("video.py")()), {"video": str}),
    "carried": Part("carried.md", script("carried.py"), {"carried": paragraph(0)}),
    "flicker": Part(
        "flicker.md",
        script("flicker.py", "--clips", str(PEOPLE.parent / "clips")),
        {"flicker": paragraph(0), "flicker-clips": paragraph(1), "flicker-cost": paragraph(2)},
    ),
    "heads": Part("heads.md", script("heads.py"), {"heads": str}),
    "groups": Part("groups.md", script("groups.py"), {"groups": str}),
    "serve_load": Part("serve_load.md", lambda: signed(script("serve_load.py")()), {"serve-load": str}),
    "track": Part("track.md", lambda: signed(script("track.py")()), {"track": str}),
    "hidden": Part(
        "hidden.md",
        script("hidden.py"),
        {
            "hidden": paragraph(0),
            "hidden-ways": paragraph(2),
            "hidden-sources": paragraph(4),
            "hidden-trade": paragraph(6),
        },
    ),
    "minutes": Part("minutes.md", lambda: signed(script("minutes.py")()), {"minutes": str}),
    "folds": Part("folds.md", lambda: signed(script("folds.py")()), {"folds": str}),
    "confidence": Part(
        "confidence.md",
        lambda: signed(script("confidence.py")()),
        {"confidence": paragraph(0), "confidence-nobody": paragraph(1), "confidence-bands": paragraph(2)},
    ),
    "suspects": Part("suspects.md", lambda: signed(script("suspects.py")()), {"suspects": str}),
    "batch": Part(
        "batch.md",
        lambda: signed(script("batch.py")()),
        {
            "batch": lambda kept: kept.strip().partition("\n\n| cores")[0],
            "batch-cost": paragraph(2),
            "batch-list": paragraph(3),
        },
    ),
    "install_size": Part("install_size.md", lambda: signed(script("install_size.py")()), {"install-size": str}),
    "kills": Part("kills.md", lambda: signed(script("kills.py")()), {"kills": str}),
    "training": Part("training.md", lambda: signed(script("training.py")()), {"training": str}),
    "unlabelled": Part("unlabelled.md", script("unlabelled.py"), {"unlabelled": str}),
    "edges": Part("edges.md", script("edges.py"), {"edges": str}),
    "matte": Part("matte.md", script("matte.py"), {"matte": str}),
    "large": Part("large.md", script("large.py"), {"large-edge": paragraph(0), "large": paragraph(1)}),
    "effects": Part("effects_time.md", lambda: signed(script("effects_time.py")()), {"effects": str}),
    "live": Part("live.md", lambda: signed(script("live.py")()), {"live": str}),
    "soak": Part("soak.md", lambda: signed(script("soak.py")()), {"soak": str}),
    "growth": Part(
        "growth.json",
        growth,
        {
            "growth": grown(growth_show.exponents),
            "growth-pixels": grown_by("pixels"),
            "growth-frames": grown_by("frames"),
            "growth-files": grown_by("files"),
            "growth-cores": grown(growth_show.cores),
        },
    ),
    "choose": Part("choose.md", lambda: signed(script("choose.py")()), {"choose": str}),
    "ways": Part("ways.json", script("ways.py"), {"ways": ways.table}),
}


def fill(page: str, name: str, text: str) -> str:
    """The page with the text between the marks of name; as it is where it has none.

    >>> fill("a <!-- x -->old<!-- /x --> b", "x", "new")
    'a <!-- x -->\\nnew\\n<!-- /x --> b'
    """
    marks = re.compile(rf"(<!-- {name} -->).*?(<!-- /{name} -->)", re.DOTALL)
    return marks.sub(lambda found: f"{found[1]}\n{text.strip()}\n{found[2]}", page)


def main() -> None:
    """Measures the parts asked for, and fills the pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all where none is named")
    parser.add_argument("--tables", action="store_true", help="measure nothing")
    options = parser.parse_args()
    for name in options.parts:
        if name not in PARTS:
            parser.error(f"{name!r} is no part; choose of {', '.join(PARTS)}")
    for name, part in PARTS.items():
        if name in (options.parts or PARTS) and not options.tables:
            print(f"measuring {name}", file=sys.stderr)
            write_atomic(RESULTS / part.kept, part.measure().encode(), overwrite=True)
    for page in PAGES:
        text = before = page.read_text()
        for part in PARTS.values():
            if (RESULTS / part.kept).is_file():
                kept = (RESULTS / part.kept).read_text()
                for name, table in part.tables.items():
                    text = fill(text, name, table(kept)) if f"<!-- {name} -->" in text else text
        if text != before:
            write_atomic(page, text.encode(), overwrite=True)
            print(f"wrote {page.relative_to(ROOT)}", file=sys.stderr)


if __name__ == "__main__":
    main()
