"""`standout idphoto`: a photo for passports and visas by a country's rule, and the list of what was measured."""

# Typer looks at these annotations as the program runs, so they must not be turned into strings by a __future__ import.

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from standout.cli.options import Device, Model, Runtime
from standout.cli.show import examples, say, tell
from standout.errors import InputError, OutputExists

if TYPE_CHECKING:
    from standout.idphotos import IdPhoto

EPILOG = examples(
    ("standout idphoto --rules", "list the rules, and where they come from"),
    ("standout idphoto me.jpg --rule schengen", "to me-schengen.jpg"),
    ("standout idphoto me.jpg --rule uk --keep-background", "for authorities that refuse edited photos"),
    ("standout idphoto me.jpg --rule us --print 10x15 --measures", "also a sheet, and a picture of the measures"),
)
NO_PROMISE = "whether a photo is accepted is up to the authority alone; read its page"


@dataclass(frozen=True, kw_only=True)
class IdPhotoCommand:
    """Make an ID photo of a portrait: the head's size and place, the background, pixels and file size by a rule.

    It lists what the rule asks and what was measured. The exit code is 1 where something is not as asked. That all is
    as asked does not mean that the photo is accepted: much of what is asked, no program measures.
    """

    photo: Annotated[
        Path | None, typer.Argument(metavar="PHOTO", help="A photo of one person.", show_default=False)
    ] = None
    rule: Annotated[
        str | None, typer.Option("--rule", metavar="NAME", help="The rule: see --rules.", show_default=False)
    ] = None
    list_rules: Annotated[bool, typer.Option("--rules", help="List the rules with their sources, and stop.")] = False
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="OUT.jpg", help="The file.[dim] \\[default: PHOTO-RULE.jpg][/]"),
    ] = None
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")] = False
    keep_background: Annotated[
        bool, typer.Option("--keep-background", help="Leave the background as it is, as some authorities demand.")
    ] = False
    background: Annotated[
        str | None, typer.Option("--background", "-b", metavar="COLOR", help="A color in place of the rule's.")
    ] = None
    dpi: Annotated[
        int | None, typer.Option("--dpi", metavar="N", help="Dots per inch in place of the rule's.", show_default=False)
    ] = None
    enlarge: Annotated[
        float | None,
        typer.Option("--enlarge", metavar="FACTOR", help="The most by which a small photo is enlarged."
                     " [dim]\\[default: 1.25][/]", show_default=False),
    ] = None  # fmt: skip
    paper: Annotated[
        str | None,
        typer.Option("--print", metavar="PAPER", help="Also a sheet with cut marks: 10x15, 13x18, a6 or a4."),
    ] = None
    measures: Annotated[bool, typer.Option("--measures", help="Also a picture that shows the measures.")] = False
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as a line of JSON.")] = False
    model: Model = "standout-mobile"
    runtime: Runtime = "auto"
    device: Device = "auto"

    def run(self) -> int:
        """Carries the command out and returns its exit code. Raises StandoutError for what is wrong."""
        from standout import idphotos, images
        from standout.segmenter import Segmenter
        from standout.support.atomic import write_atomic

        if self.list_rules:
            return _list()
        if self.photo is None or self.rule is None:
            raise InputError(f"{'PHOTO' if self.photo is None else '--rule'} is missing; --rules lists the rules")
        if self.photo.is_dir():
            raise InputError(f"{self.photo} is a folder; name one photo")
        rule = idphotos.find(self.rule)
        options = idphotos.IdOptions(
            keep_background=self.keep_background, background=self.background, dpi=self.dpi,
            enlarge=idphotos.IdOptions.enlarge if self.enlarge is None else self.enlarge,
        )  # fmt: skip
        targets = self._targets(self.photo, rule.name)
        photo = images.read(self.photo)
        segmenter = Segmenter(self.model, runtime=self.runtime, device=self.device)
        done = idphotos.idphoto(photo, rule.name, model=segmenter, options=options)
        for target, data in zip(targets, self._files(done), strict=True):
            write_atomic(target, data, overwrite=self.overwrite)
        self._tell(done, targets)
        return 1 if done.failed else 0

    def _targets(self, photo: Path, rule: str) -> list[Path]:
        """The files to write: the photo, the sheet, the picture of the measures. Raises OutputExists for any there."""
        first = self.output or photo.with_name(f"{photo.stem}-{rule}.jpg")
        if first.suffix.lower() not in (".jpg", ".jpeg"):
            raise InputError(f"{first} is no JPEG, which ID photos are; name a file that ends in .jpg")
        wanted = [*([self.paper] if self.paper else []), *(["measures"] if self.measures else [])]
        targets = [first, *(first.with_name(f"{first.stem}-{name}.jpg") for name in wanted)]
        for target in targets:
            if target.exists() and (not self.overwrite or target.samefile(photo)):
                raise OutputExists(f"{target} exists and is kept; give another -o, or --overwrite")
        return targets

    def _files(self, done: "IdPhoto") -> list[bytes]:
        """What is written, in the order of the targets."""
        from standout import images
        from standout.idphotos import drawing, sheet

        data = [done.data]
        if self.paper:
            data.append(sheet.encoded(done, self.paper))
        if self.measures:
            data.append(images.encode(drawing.drawn(done), ".jpg", quality=92))
        return data

    def _tell(self, done: "IdPhoto", targets: list[Path]) -> None:
        if self.as_json:
            tell(done.to_json())
            return
        rule = done.rule
        tell(f"{rule.title} ({rule.size})")
        for check in done.checks:
            tell(f"  {check}")
        tell(f"source: {rule.source}, as lists quoted it in {rule.read}")
        if rule.note:
            tell(f"note: {rule.note}")
        for target in targets:
            tell(str(target))
        say(NO_PROMISE)


def _list() -> int:
    """Prints every rule."""
    from standout.idphotos import RULES

    for rule in RULES.values():
        crown = "top of the hair" if rule.crown == "hair" else "crown without hair"
        tell(f"{rule.name}  {rule.title}")
        tell(f"  size      {rule.size}, head {rule.head} mm from chin to {crown}")
        if rule.eyes:
            tell(f"  eyes      {rule.eyes} mm from the lower edge")
        tell(f"  source    {rule.source}, as lists quoted it in {rule.read}")
        if not rule.edits:
            tell("  edits     refused: take the photo before a plain background, and use --keep-background")
        if rule.note:
            tell(f"  note      {rule.note}")
    say(NO_PROMISE)
    return 0
