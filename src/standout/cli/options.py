"""The options that all effects share, as one dataclass; Typer reads its fields as a command's parameters.

    Photos   what the user asked for; a subclass a command adds its own fields

To add an option to every effect: a field here. To one effect: a field in its class in effects.py.
"""

# Typer looks at these annotations as the program runs, so they must not be turned into strings by a __future__ import.

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import typer

if TYPE_CHECKING:
    from standout.batch.naming import Naming
    from standout.batch.photo import Effect
    from standout.effects.scenes import Scene

_RESULT, _MASK, _FILES, _MACHINE = "Result", "Mask", "Files", "Machine"
CLIPS = "Clips"
"""The panel of options that photos do not look at; see unused.py."""

# Those that commands beside the effects have, too.
Decontaminate = Annotated[
    bool, typer.Option("--decontaminate/--no-decontaminate", help="Free soft edges of the old background's colour.")
]
Keep = Annotated[
    Literal["all", "largest"],
    typer.Option("--keep", metavar="WHO", rich_help_panel=_MASK, help="Which people: all, or the largest only."),
]
Feather = Annotated[
    float,
    typer.Option(
        "--feather", metavar="PX", min=0, show_default=False, rich_help_panel=_MASK, help="Soften edges by PX pixels."
    ),
]
Refine = Annotated[
    bool, typer.Option("--refine/--no-refine", rich_help_panel=_MASK, help="Draw edges at the picture's full size.")
]
Model = Annotated[
    str,
    typer.Option(
        "--model", metavar="NAME", rich_help_panel=_MASK, help="A bundled one, see standout models, or a file."
    ),
]
Runtime = Annotated[
    str,
    typer.Option(
        "--runtime", metavar="NAME", rich_help_panel=_MACHINE, help="auto, onnx, openvino, pytorch, litert or coreml."
    ),
]
Device = Annotated[
    str,
    typer.Option("--device", metavar="NAME", rich_help_panel=_MACHINE, help="auto, cpu, cuda, coreml or directml."),
]


@dataclass(frozen=True, kw_only=True)
class Photos(ABC):
    """What to do with which photos."""

    ending: ClassVar[str]
    """Behind the names of results that stay beside their photos: "-cut"."""
    epilog: ClassVar[str] = ""
    grey: ClassVar[bool] = False
    """The results are masks, no photos."""
    see_through: ClassVar[bool] = False
    """Where the photo, or what is put behind, is transparent, the result is too, in formats that can be."""

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
            help="A file for one input, a folder for several, - for a pipe. Else: beside the photo, clip or folder.",
        ),
    ] = None  # fmt: skip
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", rich_help_panel=_FILES, help="Folders inside folders too; tree kept.")
    ] = False
    overwrite: Annotated[
        bool, typer.Option("--overwrite", rich_help_panel=_FILES, help="Make results anew that are already there.")
    ] = False
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE", rich_help_panel=_FILES,
            help="Add a line of JSON per photo or clip to FILE; clips' lines tell flicker before and after.",
        ),
    ] = None  # fmt: skip
    as_json: Annotated[
        bool, typer.Option("--json", rich_help_panel=_FILES, help="Print a line of JSON per photo, nothing else.")
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
            help="Photos: png, jpg, webp, avif, tiff, ... Clips: mp4, mov, mkv, webm, webp, gif, frames.",
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
            help="Of jpg, webp, avif, heic and clips.",
        ),
    ] = None
    crop: Annotated[bool, typer.Option("--crop", rich_help_panel=_RESULT, help="Crop to the people.")] = False
    metadata: Annotated[
        Literal["keep", "strip", "all"],
        typer.Option(
            "--metadata", metavar="WHICH", rich_help_panel=_RESULT,
            help="EXIF: keep (without the place), strip, or all.",
        ),
    ] = "keep"  # fmt: skip

    mask_from: Annotated[
        Path | None,
        typer.Option(
            "--mask-from", metavar="PATH", rich_help_panel=_MASK,
            help="Use this mask picture, or the one of the photo's name in this folder, instead of the model.",
        ),
    ] = None  # fmt: skip
    keep: Keep = "all"
    feather: Feather = 0.0
    refine: Refine = True
    mirror: Annotated[
        bool | None,
        typer.Option(
            "--mirror/--no-mirror",
            show_default=False,
            rich_help_panel=_MASK,
            help="Look at everything twice, or once. Else: photos twice, clips once.",
        ),
    ] = None
    model: Model = "standout-mobile"

    start: Annotated[
        str | None,
        typer.Option("--start", metavar="TIME", rich_help_panel=CLIPS, help="Begin there: seconds, or 1:02:03.5."),
    ] = None
    end: Annotated[
        str | None, typer.Option("--end", metavar="TIME", rich_help_panel=CLIPS, help="End there, as --start.")
    ] = None
    fps: Annotated[
        str | None,
        typer.Option(
            "--fps", metavar="N", rich_help_panel=CLIPS,
            help="So many frames a second, 25 or 30000/1001. Else: the clip's own times.",
        ),
    ] = None  # fmt: skip
    max_side: Annotated[
        int | None,
        typer.Option(
            "--max-side", metavar="PX", min=16, rich_help_panel=CLIPS, help="Scale down to so many pixels a side."
        ),
    ] = None
    steady: Annotated[
        float | None,
        typer.Option(
            "--steady", metavar="SECONDS", min=0, show_default=False, rich_help_panel=CLIPS,
            help="After how long an earlier mask counts half; 0: every frame by itself.",
        ),
    ] = None  # fmt: skip
    codec: Annotated[
        str | None,
        typer.Option(
            "--codec", metavar="NAME", rich_help_panel=CLIPS, help="h264, hevc, av1 or vp9. Else: h264; webm: vp9."
        ),
    ] = None
    sound: Annotated[
        bool,
        typer.Option("--sound/--no-sound", rich_help_panel=CLIPS, help="Keep the sound, bit for bit where it can be."),
    ] = True

    resume: Annotated[
        bool,
        typer.Option(
            "--resume", rich_help_panel=CLIPS,
            help="Keep each finished minute, so that the same command goes on where it was stopped.",
        ),
    ] = False  # fmt: skip

    runtime: Runtime = "auto"
    device: Device = "auto"
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "-j", metavar="N", min=1, rich_help_panel=_MACHINE,
            help="Photos worked on at once. Else: one a core.",
        ),
    ] = None  # fmt: skip
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads", metavar="N", min=1, rich_help_panel=_MACHINE,
            help="Threads a photo. Else: the cores, shared out among the jobs.",
        ),
    ] = None  # fmt: skip
    max_pixels: Annotated[
        int | None,
        typer.Option(
            "--max-pixels", metavar="N", min=0, rich_help_panel=_MACHINE,
            help="Refuse larger photos. Else: 200 million; 0 is no limit.",
        ),
    ] = None  # fmt: skip

    @abstractmethod
    def effect(self) -> "Effect":
        """What becomes of photo and mask. Raises InputError for options that make no sense."""

    def scene(self) -> "Scene":
        """The effect for clips, begun anew for each. Raises InputError as effect does."""
        from standout.types import Photo

        effect = self.effect()
        return lambda image, mask, time: effect(Photo(image), mask)

    def told(self) -> dict[str, str]:
        """The command and its own options, in words; two that are the same make the same pictures."""
        from standout.batch.clip import identity

        shared = {field.name for field in fields(Photos)}
        words = {"command": type(self).__name__.lower()}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in shared:
                words |= identity(field.name, value) if isinstance(value, Path) else {field.name: str(value)}
        return words

    def naming(self) -> "Naming":
        """How results are named: in the photo's own format where nothing else is asked for."""
        from standout.batch.naming import Naming

        return Naming(self.ending, format=self.format)

    def limit(self) -> int | None:
        """Most pixels that a picture may have; None = no limit."""
        if self.max_pixels is None:
            from standout.images import MAX_PIXELS

            return MAX_PIXELS
        return self.max_pixels or None
