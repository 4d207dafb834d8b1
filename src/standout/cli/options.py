"""The options that all effects share, as one dataclass; Typer reads its fields as a command's parameters.

    Photos   what the user asked for; each effect's command is a subclass with the settings of the effect and of the
             edit's other parts

To add an option: where it says what is done with a picture, a field of a part of the edit in editing/, or of one
effect's class in effects/; where it says how files are read and written, a field here.
"""

# Typer looks at these annotations as the program runs, so they must not be turned into strings by a __future__ import.

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import typer

from standout.effects import Effect

if TYPE_CHECKING:
    from standout.editing import Edit

_RESULT, _MASK, _FILES, _MACHINE = "Result", "Mask", "Files", "Machine"
CLIPS = "Clips"
"""The panel of options that photos do not look at; see unused.py."""

# Those that other commands have, too.
Model = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="NAME",
        rich_help_panel=_MASK,
        help="A bundled model (standout models lists them), or a model file.",
    ),
]
Runtime = Annotated[
    str,
    typer.Option(
        "--runtime",
        metavar="NAME",
        rich_help_panel=_MACHINE,
        help="What runs the model: auto, onnx, openvino, pytorch, litert or coreml.",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device", metavar="NAME", rich_help_panel=_MACHINE, help="Where it runs: auto, cpu, cuda, coreml or directml."
    ),
]


@dataclass(frozen=True, kw_only=True)
class Photos:
    """What to do with which photos and clips."""

    kind: ClassVar[type[Effect]]
    """The effect, whose settings are further fields."""

    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT", help="Photos, clips, folders, quoted patterns like 'pics/*.jpg', or - for a pipe."
        ),
    ]

    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="OUT", rich_help_panel=_FILES,
            help="A file for one input, a folder for several, or - for a pipe."
            " [dim]\\[default: beside the photo, clip or folder][/]",
        ),
    ] = None  # fmt: skip
    recursive: Annotated[
        bool,
        typer.Option(
            "--recursive",
            "-r",
            rich_help_panel=_FILES,
            help="Look into folders inside folders too, and keep their tree.",
        ),
    ] = False
    overwrite: Annotated[
        bool, typer.Option("--overwrite", rich_help_panel=_FILES, help="Make results anew that exist already.")
    ] = False
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE", rich_help_panel=_FILES,
            help="Append a line of JSON for each photo or clip to FILE, with the confidence of its mask. Lines of "
            "clips tell the flicker before and after the temporal filter, too.",
        ),
    ] = None  # fmt: skip
    review: Annotated[
        Path | None,
        typer.Option(
            "--review", metavar="FILE.html", rich_help_panel=_FILES,
            help="Write a page with photos and results side by side, those with the least confidence first.",
        ),
    ] = None  # fmt: skip
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", rich_help_panel=_FILES,
            help="Exit with code 1 where there is a warning, too: nobody found, a face left uncovered.",
        ),
    ] = False  # fmt: skip
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", rich_help_panel=_FILES,
            help="Go on until Ctrl-C: do each photo and clip that comes into the folder, as soon as it is whole.",
        ),
    ] = False  # fmt: skip
    as_json: Annotated[
        bool,
        typer.Option("--json", rich_help_panel=_FILES, help="Print a line of JSON for each file, and nothing else."),
    ] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", rich_help_panel=_FILES, help="Print nothing but errors.")] = (
        False
    )

    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="NAME",
            rich_help_panel=_RESULT,
            help="Format of the results. Photos: png, jpg, webp, avif, tiff, ... Clips: mp4, mov, mkv, webm, webp, "
            "gif, frames.",
        ),
    ] = None
    quality: Annotated[
        int | None,
        typer.Option(
            "--quality",
            metavar="N",
            min=1,
            max=100,
            rich_help_panel=_RESULT,
            help="Quality of jpg, webp, avif, heic and clips.",
        ),
    ] = None
    metadata: Annotated[
        Literal["keep", "strip", "all"] | None,
        typer.Option(
            "--metadata", metavar="WHICH", rich_help_panel=_RESULT,
            show_default=False,
            help="What stays of the EXIF block: keep (all but the place), strip (nothing), or all. "
            "[dim]\\[default: keep; strip for anonymize][/]",
        ),
    ] = None  # fmt: skip

    mask_from: Annotated[
        Path | None,
        typer.Option(
            "--mask-from", metavar="PATH", rich_help_panel=_MASK,
            help="Use this mask picture, or the one in this folder that is named like the photo, instead of the model.",
        ),
    ] = None  # fmt: skip
    tta: Annotated[
        bool | None,
        typer.Option(
            "--tta/--no-tta", show_default=False, rich_help_panel=_MASK,
            help="Use test-time augmentation: the model sees each picture a second time, mirrored and larger. "
            "[dim]\\[default: for photos, not for clips][/]",
        ),
    ] = None  # fmt: skip
    mirror: Annotated[
        bool | None, typer.Option("--mirror/--no-mirror", hidden=True, help="The earlier name of --tta.")
    ] = None
    model: Model = "standout-mobile"

    start: Annotated[
        str | None,
        typer.Option(
            "--start", metavar="TIME", rich_help_panel=CLIPS, help="Where to begin: in seconds, or as 1:02:03.5."
        ),
    ] = None
    end: Annotated[
        str | None,
        typer.Option("--end", metavar="TIME", rich_help_panel=CLIPS, help="Where to end, written as for --start."),
    ] = None
    fps: Annotated[
        str | None,
        typer.Option(
            "--fps", metavar="N", rich_help_panel=CLIPS,
            help="A constant frame rate, such as 25 or 30000/1001. [dim]\\[default: the clip's own times][/]",
        ),
    ] = None  # fmt: skip
    max_side: Annotated[
        int | None,
        typer.Option(
            "--max-side",
            metavar="PX",
            min=16,
            rich_help_panel=CLIPS,
            help="Scale frames down so that their longer side is PX pixels.",
        ),
    ] = None
    steady: Annotated[
        float | None,
        typer.Option(
            "--steady", metavar="SECONDS", min=0, show_default=False, rich_help_panel=CLIPS,
            help="Half-life of the temporal filter: after how long an earlier mask counts half. 0 switches it off.",
        ),
    ] = None  # fmt: skip
    every_frame: Annotated[
        bool,
        typer.Option(
            "--every-frame", rich_help_panel=CLIPS,
            help="Show the network every frame, instead of carrying masks through frames that are easy to follow.",
        ),
    ] = False  # fmt: skip
    codec: Annotated[
        str | None,
        typer.Option(
            "--codec",
            metavar="NAME",
            rich_help_panel=CLIPS,
            help="The video codec: h264, hevc, av1, vp9 or prores. [dim]\\[default: h264; vp9 for .webm][/]",
        ),
    ] = None
    sound: Annotated[
        bool,
        typer.Option(
            "--sound/--no-sound", rich_help_panel=CLIPS, help="Keep the sound, bit for bit where the format allows."
        ),
    ] = True

    resume: Annotated[
        bool,
        typer.Option(
            "--resume", rich_help_panel=CLIPS,
            help="Keep each finished minute on disk, so that the same command continues after a stop.",
        ),
    ] = False  # fmt: skip

    runtime: Runtime = "auto"
    device: Device = "auto"
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "-j", metavar="N", min=1, rich_help_panel=_MACHINE,
            help="How many photos are worked on at once. [dim]\\[default: one for each core][/]",
        ),
    ] = None  # fmt: skip
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads", metavar="N", min=1, rich_help_panel=_MACHINE,
            help="Threads for each photo. [dim]\\[default: the cores, shared among the jobs][/]",
        ),
    ] = None  # fmt: skip
    max_pixels: Annotated[
        int | None,
        typer.Option(
            "--max-pixels", metavar="N", min=0, rich_help_panel=_MACHINE,
            help="Refuse photos with more pixels; 0 sets no limit. [dim]\\[default: 200 million][/]",
        ),
    ] = None  # fmt: skip

    def edit(self) -> "Edit":
        """What is done with each photo and clip. Raises InputError for settings that make no sense."""
        from standout.cli.settings import part_of
        from standout.editing import PARTS, Edit

        effect = self.kind(**{one.name: getattr(self, one.name) for one in fields(self.kind) if one.init})
        return Edit.of(effect, {name: part_of(self, part) for name, part in PARTS.items()})

    def uses_tta(self, *, default: bool) -> bool:
        """Whether test-time augmentation is used; default: where nothing was said."""
        said = self.mirror if self.tta is None else self.tta
        return default if said is None else said

    def limit(self) -> int | None:
        """Most pixels that a picture may have; None = no limit."""
        if self.max_pixels is None:
            from standout.images import MAX_PIXELS

            return MAX_PIXELS
        return self.max_pixels or None
