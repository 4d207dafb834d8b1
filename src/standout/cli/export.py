"""`standout export`: writes a checkpoint as files for other runtimes, each of which is compared with the checkpoint."""

# Typer looks at these annotations as the program runs, so they must not be turned into strings by a __future__ import.

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from standout.cli.show import examples, fail, needs_extra, say
from standout.errors import InputError, ModelError

if TYPE_CHECKING:
    from standout.data import Pair
    from standout.export import Proof, Source

EPILOG = examples(
    ("standout export runs/mine/model.safetensors -o mine/", "write mine/mine.onnx"),
    (
        "standout export MODEL --to onnx,openvino --precision float32,int8 --data my/ -o mine/",
        "write four files and compare their Dice",
    ),
    (
        "standout export MODEL --to coreml,litert --precision float16 --size 320x256 -o phone/",
        "write files for an app",
    ),
)


@dataclass(frozen=True, kw_only=True)
class ExportCommand:
    """Export a model for other runtimes. A file whose results differ from the checkpoint's is not written."""

    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A bundled model, a .safetensors file, or an .onnx export.")
    ]
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The folder for the files.")]
    to: Annotated[
        str,
        typer.Option(
            metavar="LIST", help="onnx, openvino, coreml, torchscript or litert, separated by commas, or all."
        ),
    ] = "onnx"
    precision: Annotated[str, typer.Option(metavar="LIST", help="float32, float16 or int8, separated by commas.")] = (
        "float32"
    )
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Labeled photos, to compare Dice and to calibrate int8.")
    ] = None
    size: Annotated[
        str | None, typer.Option(metavar="HxW", help="Write files that take only this size, such as 320x256.")
    ] = None
    name: Annotated[str | None, typer.Option(help="The name of the files; default: the model's own.")] = None
    overwrite: Annotated[bool, typer.Option(help="Replace files that exist.")] = False

    def run(self) -> int:
        """Carries the command out and returns its exit code."""
        with needs_extra():
            from standout.export import PRECISIONS, TARGETS, check, opened
        from standout.models.registry import find_checkpoint

        precisions = _listed(self.precision, PRECISIONS, "--precision")
        if self.to == "all":
            targets = [one for one, kind in TARGETS.items() if kind.here]
            for one in TARGETS.keys() - targets:
                say(f"left out: {one}; for it, pip install 'standout[{TARGETS[one].extra}]'")
            plans = [(one, kind) for kind in precisions for one in targets if kind in TARGETS[one].precisions]
        else:
            targets = _listed(self.to, tuple(TARGETS), "--to")
            plans = [(one, kind) for kind in precisions for one in targets]
        pairs = _pairs(self.data) if self.data else []
        with opened(find_checkpoint(self.model), pairs=pairs, fixed=_size(self.size) if self.size else None) as source:
            for one, kind in plans:
                check(source, one, kind)
            stem = self.name or source.card.name
            rows = {
                f"{stem}{'' if kind == 'float32' else '-' + kind}{TARGETS[one].suffix}": (one, kind)
                for one, kind in plans
            }
            return _write(source, rows, self.out, stem, overwrite=self.overwrite)


def _write(source: "Source", rows: "dict[str, tuple[str, str]]", out: Path, stem: str, *, overwrite: bool) -> int:
    """Writes each file of rows, which map its name to target and precision, and prints how it compares.

    The exit code is 1 where a file is not written because it differs too much from the checkpoint.
    """
    from standout.export import export as run
    from standout.support.atomic import write_atomic

    proofs, failed = [], False
    for file, (target, precision) in rows.items():
        try:
            proofs.append(run(source, out / file, target=target, precision=precision, overwrite=overwrite))
        except ModelError as error:
            failed = True
            fail(str(error))
        else:
            say(_line(proofs[-1], out / file))
    if proofs:
        found = json.dumps([proof.row() for proof in proofs], indent=1).encode()
        write_atomic(out / f"{stem}.proof.json", found, overwrite=True)
    return 1 if failed else 0


def _pairs(data: Path) -> "list[Pair]":
    from standout.data import find_splits

    train, val = find_splits(data)
    return [*train, *(val or train)]


def _size(text: str) -> tuple[int, int]:
    """Height and width. Raises InputError when text is not a size.

    >>> _size("320x256")
    (320, 256)
    """
    height, _, width = text.lower().partition("x")
    if not (height.isdigit() and width.isdigit()):
        raise InputError(f"--size {text!r} is not a size; wanted height x width in pixels, such as 320x256")
    return int(height), int(width)


def _listed(text: str, known: tuple[str, ...], option: str) -> list[str]:
    """The names in a list separated by commas. Raises InputError for a name that is not known."""
    names = [one.strip() for one in text.split(",") if one.strip()]
    for one in names:
        if one not in known:
            raise InputError(f"{option} {one!r} is not known; choose from: {', '.join(known)}")
    return names


def _line(proof: "Proof", file: Path) -> str:
    """What is printed about a file that is written."""
    speed = "not timed" if proof.milliseconds is None else f"{proof.milliseconds:.1f} ms a photo on one thread"
    parts = [
        f"wrote {file}: {proof.megabytes:.1f} MB, {speed} ({proof.runtime}), takes size {proof.size}",
        f"probability differs by {proof.largest:.4f} at most, {proof.mean:.5f} on average",
    ]
    if proof.dice is not None:
        one = proof.dice
        parts.append(f"Dice {one.mean:+.4f} ({one.low:+.4f} to {one.high:+.4f}) over {one.n} photos")
    return "; ".join(parts)
