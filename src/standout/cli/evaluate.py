"""`standout evaluate`: measures how good a model is on labeled photos, with intervals."""

# Typer looks at these annotations as the program runs, so they must not be turned into strings by a __future__ import.

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from standout.cli.show import examples, fail, progress, say
from standout.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from standout.data import Pair
    from standout.evaluate.report import Comparison, Report
    from standout.segmenter import Segmenter

EPILOG = examples(
    ("standout evaluate standout-mobile my/", "print the scores by source"),
    ("standout evaluate mine.onnx my/ --report r.html --json r.json", "also write a page with pictures, and a file"),
    ("standout evaluate mine.onnx my/ --compare standout-mobile", "compare two models photo by photo"),
    ("standout evaluate mine.onnx my/ --fit-confidence", "let the model tell how far its masks can be trusted"),
    ("standout evaluate mine.onnx my/ --groups groups.csv --max-gap 0.02", "fail (exit code 1) where a gap is larger"),
)


class DataPart(StrEnum):
    """Which part of the data is measured."""

    auto = "auto"
    train = "train"
    val = "val"
    test = "test"
    all = "all"


@dataclass(frozen=True, kw_only=True)
class EvaluateCommand:
    """Measure a model on labeled photos: Dice, outlines, calibration and gaps between groups, with intervals."""

    model: Annotated[str, typer.Argument(metavar="MODEL", help="A bundled model's name, or a model file.")]
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Photos and masks, in any layout of `data check`.")]
    part: Annotated[
        DataPart, typer.Option(help="The part to measure; auto is val if the data have it, otherwise all.")
    ] = DataPart.auto
    report: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write a page with pictures.")] = None
    as_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE.json", help="Write all figures, also those of each photo.")
    ] = None
    compare: Annotated[
        str | None,
        typer.Option(metavar="OTHER", help="Compare with another model, or with its --json file on the same photos."),
    ] = None
    groups: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Measure gaps between groups: columns name and any labels.")
    ] = None
    max_gap: Annotated[
        float | None, typer.Option(min=0, max=1, help="Fail (exit code 1) where a gap of Dice is larger.")
    ] = None
    threshold: Annotated[
        float | None,
        typer.Option(min=0.01, max=0.99, help="Probability from which a pixel is person; default: the model's own."),
    ] = None
    fit_confidence: Annotated[
        bool,
        typer.Option(
            "--fit-confidence",
            help="Fit the confidence of the model's masks on these photos, which must not be those that it was trained "
            "on, and write it into the card in the model's file.",
        ),
    ] = False
    refine: Annotated[bool, typer.Option(help="Refine the edges at the photo's size, as users get them.")] = True
    tta: Annotated[bool, typer.Option(help="Use test-time augmentation, with a mirrored second pass.")] = True
    mirror: Annotated[bool, typer.Option(hidden=True, help="The earlier name of --tta.")] = True
    runtime: Annotated[str, typer.Option(help="auto, onnx, openvino, pytorch, litert or coreml.")] = "auto"
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, coreml or directml.")] = "auto"
    overwrite: Annotated[bool, typer.Option(help="Replace the files of --report and --json.")] = False

    def run(self) -> int:
        """Carries the command out and returns its exit code."""
        from standout import evaluate as room
        from standout.evaluate.groups import read_groups
        from standout.models.registry import REGISTRY
        from standout.segmenter import Segmenter

        if self.max_gap is not None and self.groups is None:
            raise InputError("--max-gap needs --groups FILE.csv, which says who is in which group")
        if self.fit_confidence and self.model in REGISTRY:
            raise InputError(
                f"{self.model} is bundled, and its confidence is fitted already; --fit-confidence is for a model file "
                "of your own: --model model.safetensors"
            )
        for file in (self.report, self.as_json):
            if file is not None and file.exists() and not self.overwrite:
                raise InputError(f"{file} exists and is kept; use --overwrite to replace it")
        labels = read_groups(self.groups) if self.groups else {}
        pairs = room.pick(self.data, str(self.part))
        settings = room.Settings(refine=self.refine, threshold=self.threshold)

        def measured(name: str, labels: dict[str, dict[str, str]]) -> "tuple[Segmenter, Report]":
            tta = self.tta and self.mirror
            segmenter = Segmenter(name, runtime=self.runtime, device=self.device, threads=1, tta=tta)
            with progress(len(pairs), wanted=True) as tick:
                return segmenter, room.evaluate(pairs, segmenter, settings, groups=labels, tick=tick)

        segmenter, found = measured(self.model, labels)
        comparison = None
        if self.compare is not None:
            rows = _saved(self.compare, found) or [score.row() for score in measured(self.compare, {})[1].scores]
            comparison = room.compare(rows, [score.row() for score in found.scores]), self.compare
        if self.report is not None:
            from standout.evaluate import show
            from standout.evaluate.worst import pictures
            from standout.support.atomic import write_atomic

            worst = pictures(found.worst(), pairs, segmenter, settings)
            page = show.to_page(found, worst, title=f"{segmenter.card.name} on {self.data}", comparison=comparison)
            write_atomic(self.report, page, overwrite=self.overwrite)
            say(f"wrote {self.report}")
        _tell(found, comparison, self.as_json, overwrite=self.overwrite)
        if self.fit_confidence:
            _fit_confidence(Path(self.model), segmenter, pairs)
        return _gate(found, self.max_gap)


def _fit_confidence(path: Path, segmenter: "Segmenter", pairs: "Sequence[Pair]") -> None:
    """Fits the confidence of the model's masks on the photos, and writes it into the card in the model's file."""
    from standout.evaluate.confidence import judged_card
    from standout.net.rewrite import with_card
    from standout.support.atomic import write_atomic

    with progress(len(pairs), wanted=True) as tick:
        card = judged_card(segmenter.card, pairs, segmenter, tick=tick)
    write_atomic(path, with_card(path, card), overwrite=True)
    say(f"wrote the card of {path}: its confidence is {card.confidence['protocol']}")


def _saved(other: str, found: "Report") -> list[dict[str, Any]] | None:
    """The rows of photos in a --json file; None where other is a model."""
    from standout.evaluate.report import read_rows

    if not other.endswith(".json"):
        return None
    return read_rows(Path(other), fingerprint=found.facts["data"]["fingerprint"])


def _tell(
    found: "Report", comparison: "tuple[Comparison, str] | None", as_json: Path | None, *, overwrite: bool
) -> None:
    """Writes the --json file if it is asked for, and prints the tables."""
    from standout.evaluate import show
    from standout.support.atomic import write_atomic

    if as_json is not None:  # the file comes first, in case standard output is closed
        write_atomic(as_json, found.to_json().encode(), overwrite=overwrite)
        say(f"wrote {as_json}")
    print(show.to_text(found))
    if comparison is not None:
        print(show.comparison_to_text(*comparison))


def _gate(found: "Report", max_gap: float | None) -> int:
    """The exit code: 1 where a gap is larger than max_gap, or where no gap can be measured."""
    if max_gap is None:
        return 0
    if not found.gaps:
        fail("no label has photos of people in two groups, so there is no gap to compare with --max-gap")
        return 1
    wide = {label: apart for label, (_, apart) in found.gaps.items() if apart.mean > max_gap}
    for label, apart in wide.items():
        fail(f"gap between groups of {label}: {apart}, more than --max-gap {max_gap:g}")
    return 1 if wide else 0
