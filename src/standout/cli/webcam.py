"""`standout webcam`: a camera, its background blurred or replaced, in a window or as a camera for other programs."""

# Typer looks at these annotations as the program runs, so they must not be turned into strings by a __future__ import.

import os
import re
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, make_dataclass, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from standout.cli import live_effects, settings
from standout.cli.options import Device, Model, Runtime
from standout.cli.show import examples, fail, needs_extra, say
from standout.cli.signals import INTERRUPTED
from standout.errors import InputError, StandoutError

if TYPE_CHECKING:
    from standout.editing import Edit
    from standout.live.loop import Controls, Live, Sink
    from standout.serve.webcam.window import Window
    from standout.types import Image, PersonFinder

EPILOG = examples(
    ("standout webcam", "the first camera, blurred"),
    ("standout webcam --strength 0.9 --mirror-view", "stronger, and as in a mirror"),
    ("standout webcam -b beach.jpg", "before a picture, or a clip"),
    ("standout webcam --virtual-camera auto", "for meetings, too (Linux)"),
    ("standout webcam --camera clip.mp4 --seconds 10", "a clip as the camera"),
    ("standout webcam --camera rtsp://10.0.0.5/live", "a camera of the network"),
)
PORT = 8765
_PICTURE, _OUTPUT, _MASK, _MACHINE = "Picture", "Output", "Mask", "Machine"


@dataclass(frozen=True, kw_only=True)
class Webcam:
    """Show a camera with its background blurred, colored or replaced: in a window, as a virtual camera, or both.

    Until the model is ready, and where it fails, a blank picture is shown. Keys in the window: 1, 2, ... choose the
    effect, v mirrors, space pauses, q quits; Ctrl-C in the terminal quits as well.
    """

    effect: Annotated[
        str | None,
        typer.Argument(
            metavar="EFFECT",
            show_default=False,
            help="The effect to begin with, or none. [dim]\\[default: what the options ask for, or blur][/]",
        ),
    ] = None
    camera: Annotated[
        str,
        typer.Option(
            "--camera", "-i", metavar="CAMERA", help="The camera's number, a device, a URL, or the file of a clip."
        ),
    ] = "0"
    size: Annotated[
        str | None,
        typer.Option(
            "--size", metavar="WxH", help="The size to ask the camera for. [dim]\\[default: the camera's choice][/]"
        ),
    ] = None

    mirror_view: Annotated[
        bool, typer.Option("--mirror-view", rich_help_panel=_PICTURE, help="Flip the picture as a mirror does.")
    ] = False
    max_side: Annotated[
        int | None,
        typer.Option(
            "--max-side",
            metavar="PX",
            min=16,
            rich_help_panel=_PICTURE,
            help="Scale frames down to so many pixels a side, which is faster.",
        ),
    ] = None
    fps: Annotated[
        float | None,
        typer.Option(
            "--fps", metavar="N", min=1, max=240, rich_help_panel=_PICTURE, help="The most pictures a second."
        ),
    ] = None

    window: Annotated[
        bool,
        typer.Option(
            "--window/--no-window", rich_help_panel=_OUTPUT, help="Show the pictures on a page of the browser."
        ),
    ] = True
    port: Annotated[
        int,
        typer.Option(
            "--port",
            metavar="N",
            min=0,
            max=65535,
            rich_help_panel=_OUTPUT,
            help="The port of the page; 0 takes any free one.",
        ),
    ] = PORT
    key: Annotated[
        str | None,
        typer.Option(
            "--key", metavar="TEXT", rich_help_panel=_OUTPUT,
            help="The secret part of the page's address, so that it stays the same. [dim]\\[default: a fresh one][/]",
        ),
    ] = None  # fmt: skip
    browser: Annotated[
        bool | None,
        typer.Option(
            "--open/--no-open", show_default=False, rich_help_panel=_OUTPUT,
            help="Open the page in the browser. [dim]\\[default: where there is a screen][/]",
        ),
    ] = None  # fmt: skip
    virtual_camera: Annotated[
        str | None,
        typer.Option(
            "--virtual-camera", metavar="DEVICE", rich_help_panel=_OUTPUT,
            help="A virtual camera to write to, such as /dev/video9, or auto. For Linux; elsewhere OBS Studio does it.",
        ),
    ] = None  # fmt: skip
    frames: Annotated[
        int | None,
        typer.Option("--frames", metavar="N", min=1, rich_help_panel=_OUTPUT, help="End after so many pictures."),
    ] = None
    seconds: Annotated[
        float | None,
        typer.Option("--seconds", metavar="N", min=0.1, rich_help_panel=_OUTPUT, help="End after so many seconds."),
    ] = None
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", rich_help_panel=_OUTPUT, help="Print nothing but the address and errors.")
    ] = False

    steady: Annotated[
        float | None,
        typer.Option(
            "--steady", metavar="SECONDS", min=0, show_default=False, rich_help_panel=_MASK,
            help="Half-life of the temporal filter: after how long an earlier mask counts half. 0 switches it off.",
        ),
    ] = None  # fmt: skip
    model: Model = "standout-mobile"

    runtime: Runtime = "auto"
    device: Device = "auto"
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            metavar="N",
            min=1,
            rich_help_panel=_MACHINE,
            help="Threads of the model. [dim]\\[default: half the cores, at most 4][/]",
        ),
    ] = None

    def run(self) -> int:
        """Carries the options out; returns the exit code. Raises StandoutError for what is wrong at the start."""
        from standout.editing import PARTS
        from standout.live.camera import open_camera
        from standout.live.loop import UNTOUCHED, Controls

        parts = {name: settings.part_of(self, part) for name, part in PARTS.items()}
        edits, size = live_effects.edits(self, parts), self._size()
        effect = live_effects.chosen(self.effect, edits, live_effects.given(self))
        controls = Controls(effect, mirrored=self.mirror_view)
        if effect != UNTOUCHED:  # what is wrong with the background, before anything is opened
            with edits[effect].effect.begun() as tried:
                tried.open()
        if not self.window and self.virtual_camera is None:
            raise InputError("--no-window leaves nowhere to show it; give --virtual-camera auto, or a device")
        self._refuse_unused(effect)
        if self.window:
            with needs_extra("the window (which --no-window does without)", "serve"):
                import standout.serve.webcam.window  # noqa: F401 - what is missing is known before the camera is opened
        with ExitStack() as opened:
            virtual = self._virtual(opened)
            frames = open_camera(self.camera, size=size, rate=self.fps)
            opened.callback(_let_go, frames)
            window = self._window(opened, controls, [*edits, UNTOUCHED])
            sinks: list[Sink] = [one for one in (window, virtual) if one is not None]
            return _run(self._live(edits, window), frames, sinks, controls, quiet=self.quiet)

    def _refuse_unused(self, effect: str) -> None:
        """Raises InputError for options that would have no effect; a window offers every effect, so there all have."""
        needs: list[tuple[bool, str, str]] = [
            (
                getattr(self, "fit", False) and getattr(self, "background", None) is None,
                "--fit",
                "without --background",
            ),
            (self.port != PORT and not self.window, "--port", "with --no-window"),
            (self.key is not None and not self.window, "--key", "with --no-window"),
            (self.browser is not None and not self.window, "--open", "with --no-window"),
        ]
        if not self.window:
            for name in live_effects.given(self):
                if effect not in live_effects.OWNERS[name]:
                    needs.append((True, f"--{name.replace('_', '-')}", f"on {effect} with --no-window"))
        for useless, label, why in needs:
            if useless:
                raise InputError(f"{label} has no effect {why}; leave it out")

    def _size(self) -> tuple[int, int] | None:
        """(width, height). Raises InputError for what is none."""
        if self.size is None:
            return None
        found = re.fullmatch(r"(\d{2,5})x(\d{2,5})", self.size.strip().lower())
        if found is None:
            raise InputError(f"--size {self.size!r}: wanted width x height, such as 1280x720")
        return int(found[1]), int(found[2])

    def _virtual(self, opened: ExitStack) -> "Sink | None":
        if self.virtual_camera is None:
            return None
        from standout.video import VirtualCamera, virtual_camera

        device = virtual_camera.find() if self.virtual_camera == "auto" else Path(self.virtual_camera)
        if str(device) in (self.camera, f"/dev/video{self.camera}"):
            raise InputError(f"{device} is both --camera and --virtual-camera; give two different ones")
        virtual = VirtualCamera(device)
        opened.callback(virtual.close)
        say(f"virtual camera: {device}")
        return virtual

    def _window(self, opened: ExitStack, controls: "Controls", effects: list[str]) -> "Window | None":
        if not self.window:
            return None
        from standout.serve.webcam.window import Window

        window = Window(controls, effects=effects, port=self.port, key=self.key)
        opened.callback(window.close)
        say(f"window: {window.url}")
        if self.browser if self.browser is not None else _has_screen():
            import webbrowser

            webbrowser.open(window.url)
        return window

    def _live(self, edits: "dict[str, Edit]", window: "Window | None") -> "Live":
        from standout.live.loop import Live, Pace
        from standout.masks.temporal import HALF_LIFE

        def load() -> "PersonFinder":
            import cv2

            from standout.segmenter import Segmenter
            from standout.support.system import cores

            # the meeting beside it needs cores, too, and steps this short lose more by sharing than they gain
            cv2.setNumThreads(1)
            threads = self.threads or max(1, min(4, cores() // 2))
            return Segmenter(
                self.model, runtime=self.runtime, device=self.device, threads=threads, tta=False, trim=True
            )

        def told(pace: Pace) -> None:
            if window is not None:
                window.pace = pace
            if not self.quiet and sys.stderr.isatty():
                print(f"\r{pace}\033[K", end="", file=sys.stderr, flush=True)

        return Live(
            load,
            edits,
            HALF_LIFE if self.steady is None else self.steady,
            max_side=self.max_side,
            rate=self.fps,
            frames=self.frames,
            seconds=self.seconds,
            told=told,
            warned=lambda reason: fail(f"a frame failed ({reason}); a blank picture is shown for it"),
        )


def command() -> type[Webcam]:
    """The command, with the settings of all effects, and of the edit's other parts, as options."""
    named = {one.name: one for one in reversed(live_effects.settings())}
    made = [one.field(optional=True, panel=_PICTURE) for one in reversed(named.values())]
    shared = settings.fields_of_parts(clips_alone=True)
    made += [one for one in shared if one[0] not in live_effects.NOT_LIVE]
    return make_dataclass(
        "Webcam", made, bases=(Webcam,), frozen=True, kw_only=True, namespace={"__doc__": Webcam.__doc__}
    )


def _run(live: "Live", frames: "Iterator[Image]", sinks: "list[Sink]", controls: "Controls", *, quiet: bool) -> int:
    """The exit code. Raises StandoutError for what is wrong before the first picture."""
    begun = Event()

    def load() -> "PersonFinder":
        finds = live.load()
        begun.set()
        return finds

    try:
        pace = replace(live, load=load).run(frames, sinks, controls)
    except KeyboardInterrupt:
        say("stopped; the camera is free again")
        return INTERRUPTED
    except StandoutError as error:
        if not begun.is_set() or os.environ.get("STANDOUT_DEBUG", "") not in ("", "0"):
            raise
        fail(str(error))
        return 1
    if not quiet:
        say(f"{pace.shown} pictures in {pace.seconds:.1f} s: {pace}")
    return 0


def _let_go(frames: "Generator[Image, None, None]") -> None:
    """Closes the camera; one that does not answer is still read by its thread, and goes with the program."""
    with suppress(ValueError):
        frames.close()


def _has_screen() -> bool:
    """Whether a browser that is opened would be seen by who typed the command."""
    if not sys.stderr.isatty() or "SSH_CONNECTION" in os.environ:
        return False
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
