"""`standout export`: a checkpoint to files for other runtimes, each with its proof."""

# Typer looks at these annotations as the program runs, so they must not be turned into strings by a __future__ import.

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from standout.cli.show import examples, fail, needs_extra, say
from standout.errors import InputError, ModelError

if TYPE_CHECKING:
    from standout.export import Proof

EPILOG = examples(
    ("standout export runs/mine/model.safetensors -o mine/", "to mine/mine.onnx"),
    ("standout export MODEL --to onnx,openvino --precision float32,int8 --data my/ -o mine/", "four files, with Dice"),
)


def export(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A checkpoint (.safetensors), or a bundled model.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where the files go.")],
    to: Annotated[str, typer.Option(metavar="LIST", help="onnx, openvino, or both with a comma.")] = "onnx",
    precision: Annotated[str, typer.Option(metavar="LIST", help="float32, float16, int8, or several.")] = "float32",
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Labelled photos: for Dice before and after, and for int8.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the files; else the model's own.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace files that are there.")] = False,
) -> int:
    """Export a model; nothing is written whose proof fails."""
    with needs_extra():
        from standout.export import PRECISIONS, TARGETS
        from standout.export import export as run
    from standout.models import find_checkpoint
    from standout.net import checkpoint

    targets, precisions = _listed(to, tuple(TARGETS), "--to"), _listed(precision, PRECISIONS, "--precision")
    source = find_checkpoint(model)
    stem = name or checkpoint.load(source)[1].name
    pairs = []
    if data is not None:
        from standout.dataset import find_splits

        train, val = find_splits(data)
        pairs = [*train, *(val or train)]
    proofs, failed = [], False
    for kind in precisions:
        for target in targets:
            ending = "" if kind == "float32" else f"-{kind}"
            file = out / f"{stem}{ending}{TARGETS[target][0]}"
            try:
                proofs.append(run(source, file, target=target, precision=kind, pairs=pairs, overwrite=overwrite))
            except ModelError as error:
                failed = True
                fail(str(error))
            else:
                say(_line(proofs[-1], file))
    if proofs:
        from standout.files import write_atomic

        rows = json.dumps([proof.row() for proof in proofs], indent=1).encode()
        write_atomic(out / f"{stem}.proof.json", rows, overwrite=True)
    return 1 if failed else 0


def _listed(text: str, known: tuple[str, ...], option: str) -> list[str]:
    """The names in a list with commas. Raises InputError for one that is not known."""
    names = [one.strip() for one in text.split(",") if one.strip()]
    for one in names:
        if one not in known:
            raise InputError(f"{option} {one!r} is not known; choose from: {', '.join(known)}")
    return names


def _line(proof: "Proof", file: Path) -> str:
    parts = [
        f"wrote {file}: {proof.megabytes:.1f} MB, {proof.milliseconds:.1f} ms a photo on one thread ({proof.runtime})",
        f"probability differs by {proof.largest:.4f} at most, {proof.mean:.5f} on average",
    ]
    if proof.dice is not None:
        one = proof.dice
        parts.append(f"Dice {one.mean:+.4f} ({one.low:+.4f} to {one.high:+.4f}) over {one.n} photos")
    return "; ".join(parts)
