"""`standout people`: lists who is in photos, by the numbers that --people takes."""

# Typer looks at these annotations as the program runs, so they must not be turned into strings by a __future__ import.

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from standout.cli.options import Device, Model, Runtime
from standout.cli.show import examples, fail, say, tell
from standout.errors import InputError, OutputExists, StandoutError

if TYPE_CHECKING:
    from standout.batch.plan import Task
    from standout.masks.people.found import Group
    from standout.types import PersonFinder

EPILOG = examples(
    ("standout people photo.jpg", "list the people"),
    ("standout people photo.jpg -o who.jpg", "show them, with their numbers"),
    ("standout cut photo.jpg --people 2", "cut out the second from the left"),
    ("standout people pics/ --json", "a line of JSON for each photo"),
    ("standout cut photo.jpg --at 40%,30%", "or choose by a point"),
)


@dataclass(frozen=True, kw_only=True)
class PeopleCommand:
    """List who is in photos: number from left to right, place, share of the photo, and how sure the model is.

    The numbers are those that --people takes. People who touch are told apart where that can be seen; look at the
    numbered picture to make sure.
    """

    inputs: Annotated[
        list[str], typer.Argument(metavar="PHOTO", help="Photos, folders, or quoted patterns like 'pics/*.jpg'.")
    ]
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="OUT",
            help="Also draw the people with their numbers: a file for one photo, a folder for several.",
        ),
    ] = None  # fmt: skip
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each photo.")] = False
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Look into folders inside folders, too.")] = False
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Draw pictures anew that exist already.")] = False
    tta: Annotated[
        bool, typer.Option("--tta/--no-tta", help="Use test-time augmentation: the model sees each photo twice.")
    ] = True
    model: Model = "standout-mobile"
    runtime: Runtime = "auto"
    device: Device = "auto"

    def run(self) -> int:
        """Carries the options out; returns the exit code. Raises StandoutError for what is wrong at the start."""
        from standout.batch.naming import Naming
        from standout.batch.plan import plan
        from standout.segmenter import Segmenter

        if "-" in self.inputs:
            raise InputError("standout people reads no pipe; name a photo")
        naming = Naming("-people", default=None if self.output else ".png")
        tasks = plan(self.inputs, self.output, naming=naming, recursive=self.recursive, overwrite=self.overwrite)
        finder = Segmenter(self.model, runtime=self.runtime, device=self.device, tta=self.tta)
        failed = 0
        for task in tasks:
            if task.skip:
                say(f"skipped {task.source}: {task.skip}")
                continue
            try:
                self._one(task, finder, alone=len(tasks) == 1)
            except StandoutError as error:
                failed += 1
                reason = str(error)
                fail(reason if str(task.source) in reason else f"{task.source}: {reason}")
        return 1 if failed else 0

    def _one(self, task: "Task", finder: "PersonFinder", *, alone: bool) -> None:
        """Lists and draws the people of a photo."""
        if task.fault:
            raise InputError(task.fault)
        if task.is_clip:
            raise InputError(f"{task.source} is a clip; standout people lists those of photos")
        if self.output and task.is_done() and not self.overwrite:
            raise OutputExists(f"{task.target} exists and is kept; --overwrite makes it anew")
        from standout import images
        from standout.editing.people import group_of

        photo = images.read(task.source)
        group = group_of(photo, finder)
        if self.as_json:
            height, width = photo.image.shape[:2]
            people = [one.to_dict() for one in group.people]
            tell(json.dumps({"source": str(task.source), "width": width, "height": height, "people": people}))
        else:
            _print(task, group, alone=alone)
        if self.output:
            from standout.masks.people.numbered import numbered
            from standout.support.atomic import write_atomic

            picture = numbered(photo.image, group)
            write_atomic(task.target, images.encode(picture, task.suffix), overwrite=self.overwrite)


def _print(task: "Task", group: "Group", *, alone: bool) -> None:
    """The table of a photo's people. alone: no other photo is listed, so its name need not be told."""
    if not alone:
        tell(f"{task.source}")
    if not group.people:
        tell("nobody was found")
        return
    tell(" no  left   top right bottom   share   sure")
    for one in group.people:
        left, top, right, bottom = one.box
        places = f"{left:5} {top:5} {right:5} {bottom:6}"
        tell(f"{one.index:3} {places} {100 * one.share:5.1f} % {100 * one.confidence:4.0f} %")
