"""`standout data check|split|show|suspects`: checks, splits and shows photos and masks, before and after training."""

# Typer looks at these annotations as the program runs, so they must not be turned into strings by a __future__ import.

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from standout.cli.show import examples, progress, say
from standout.errors import OutputError

if TYPE_CHECKING:
    from standout.data.check import DataReport

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The data folder, a CSV file or a COCO file.")]
Overwrite = Annotated[bool, typer.Option(help="Replace a file that exists.")]
Add = Annotated[bool, typer.Option("--overwrite", help="Add new photos to a split that exists.")]

app = typer.Typer(
    name="data",
    help="Check, split and show photos and masks before training on them.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command(
    epilog=examples(
        ("standout data check my/", "list what is wrong; exit code 1 if there are errors"),
        ("standout data check my/ --report check.html", "write a page with pictures as well"),
        ("standout data check my/ --json | jq .findings", "print the findings for a program"),
    )
)
def check(
    folder: Folder,
    report: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write a page with pictures.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as one JSON object.")] = False,
    overwrite: Overwrite = False,
) -> int:
    """Find missing masks, wrong sizes, inverted or odd masks, unreadable files, near-duplicates and leaks."""
    from standout.data import check as checking
    from standout.data import sheet
    from standout.data.layouts import look

    with progress(len(look(folder).pairs), wanted=not as_json) as tick:
        found = checking.check(folder, tick=tick)
    if report:
        sheet.write_report(found, report, title=f"Check of {folder}", overwrite=overwrite)
    if as_json:
        _print_json(found)
    else:
        _print_text(found, folder, checking.KINDS)
    if report:
        say(f"wrote {report}")
    return 1 if found.broken else 0


def _print_json(found: "DataReport") -> None:
    import json

    findings = [
        {"kind": f.kind, "severity": f.severity, "paths": [str(p) for p in f.paths], "detail": f.detail, "cure": f.cure}
        for f in found.findings
    ]
    print(json.dumps({"pairs": len(found.pairs), "counts": found.counts(), "findings": findings}, indent=1))


def _print_text(found: "DataReport", folder: Path, kinds: dict[str, tuple[str, str]]) -> None:
    from standout.data.check import parts

    print(f"{len(found.pairs)} pairs in {folder}")
    for source, row in parts(found.pairs).items():
        print(
            f"  {source:12s} " + ", ".join(f"{n} {part}" if part != "-" else str(n) for part, n in sorted(row.items()))
        )
    for kind, count in found.counts().items():
        severity, cure = kinds[kind]
        print(f"{severity}: {kind}: {count}\n    {cure}")
        for finding in [f for f in found.findings if f.kind == kind][:3]:
            names = " = ".join(str(path) for path in finding.paths[:4])
            print(f"    {names}{'  (' + finding.detail + ')' if finding.detail else ''}")
        if count > 3:
            print(f"    ... and {count - 3} more; --report FILE.html or --json lists them all")
    if not found.findings:
        print("nothing found")


@app.command(
    epilog=examples(
        ("standout data split my/", "write my/split.csv, which training reads"),
        ("standout data split my/ --val 0.2 --test 0.1", "choose the shares"),
        ("standout data split my/ --overwrite", "add new photos; those in split.csv keep their part"),
    )
)
def split(
    folder: Folder,
    val: Annotated[float, typer.Option(min=0, max=1, help="Share of the photos for validation.")] = 0.15,
    test: Annotated[float, typer.Option(min=0, max=1, help="Share of the photos for a final test.")] = 0.0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="The split file; default: DIR/split.csv.")
    ] = None,
    mend_leaks: Annotated[
        bool, typer.Option("--mend-leaks", help="Move near-duplicates that are in different parts into one part.")
    ] = False,
    overwrite: Add = False,
) -> int:
    """Split photos into parts without leaks: stable by name, with near-duplicates in the same part."""
    from standout.data import split as splitting
    from standout.data.layouts import find_all, split_file
    from standout.support.atomic import write_atomic

    target = out or split_file(folder)
    if target.exists() and not overwrite:
        raise OutputError(
            f"{target} exists and is kept; --overwrite adds the photos that it lacks, and those that it has keep their "
            "part; for a split from scratch, move the file away"
        )
    recorded = splitting.load(target)
    order = {name: place for place, name in enumerate(recorded)}
    before = splitting.with_parts(find_all(folder), recorded)
    before.sort(key=lambda pair: order.get(pair.name, len(order)))
    with progress(len(before), wanted=True) as tick:
        pairs = splitting.split(before, val_share=val, test_share=test, mend=mend_leaks, tick=tick)
    write_atomic(target, splitting.to_csv(pairs, target), overwrite=overwrite)
    both = list(zip(before, pairs, strict=True))
    moved = [f"{old.name} ({old.split} to {new.split})" for old, new in both if old.split not in ("", new.split)]
    if kept := sum(old.split == new.split for old, new in both):
        say(f"{kept} photos keep their part, {sum(not old.split for old in before)} are new")
    if moved:
        say(f"{len(moved)} photos move to the part of their near-duplicates: {', '.join(moved[:20])}")
    counts = Counter((pair.source, pair.split) for pair in pairs)
    for source in sorted({pair.source for pair in pairs}):
        print(f"{source:12s} " + "  ".join(f"{part} {counts[source, part]}" for part in ("train", "val", "test")))
    say(f"wrote {target}")
    return 0


@app.command(
    epilog=examples(
        ("standout data show my/ -o sheet.html", "show 40 photos with mask and overlay"),
        ("standout data show my/ -o sheet.png --count 12 --seed 1", "show twelve other photos, as a picture"),
    )
)
def show(
    folder: Folder,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write, as .html, .png or .jpg.")
    ],
    count: Annotated[int, typer.Option(min=1, help="How many photos to show.")] = 40,
    seed: Annotated[int, typer.Option(help="The choice of photos; another number shows other photos.")] = 0,
    overwrite: Overwrite = False,
) -> int:
    """Show some photos with mask and overlay, in an HTML page or a picture."""
    import random

    from standout.data import sheet
    from standout.data.layouts import look

    pairs = look(folder).pairs
    some = sorted(random.Random(seed).sample(pairs, min(count, len(pairs))), key=lambda pair: pair.name)
    sheet.write_sheet(some, out, title=f"{len(some)} of {len(pairs)} pairs in {folder}", overwrite=overwrite)
    say(f"wrote {out}")
    return 0


@app.command(
    epilog=examples(
        ("standout train --data my/ --init standout-mobile --folds 5 -o runs/five", "train folds first"),
        ("standout data suspects runs/five -o suspects.html", "show the labels that disagree with the answers"),
        ("standout data suspects runs/five --csv suspects.csv", "list all labels, the most suspicious first"),
    )
)
def suspects(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder that `standout train --folds` wrote.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE.html", help="The page to write.")] = None,
    table: Annotated[Path | None, typer.Option("--csv", metavar="FILE.csv", help="The list of all labels.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list of all labels as JSON.")] = False,
    count: Annotated[int, typer.Option(min=1, help="How many labels the page shows.")] = 100,
    overwrite: Overwrite = False,
) -> int:
    """Rank labels by how far they are from the answer of a model that has not seen them: the wrong ones come first."""
    import json

    from standout.evaluate import suspects as ranking
    from standout.support.atomic import write_atomic

    for target in (out, table):
        if target is not None and target.exists() and not overwrite:
            raise OutputError(f"{target} exists and is kept; use --overwrite to replace it")
    with progress(ranking.count(run), wanted=not as_json) as tick:
        ranked = ranking.rank(run, tick=tick)
    if out:
        shown = ranking.to_page(ranked[:count], title=f"Labels that may be wrong in {run}", total=len(ranked))
        write_atomic(out, shown, overwrite=overwrite)
    if table:
        write_atomic(table, ranking.to_csv(ranked), overwrite=overwrite)
    if as_json:
        print(json.dumps([one.row(number) for number, one in enumerate(ranked, 1)], indent=1))
    elif not (out or table):
        for number, one in enumerate(ranked[:20], 1):
            print(f"{number:3d}  {one.pair.name:24s} loss {one.loss:.2f}  Dice {one.dice:.2f}  {one.hint}".rstrip())
    for target in (out, table):
        if target:
            say(f"wrote {target}")
    return 0
