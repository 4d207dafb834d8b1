"""The programs that peers_whole.py measures, and the commands by which their users run them.

command   tuple of str   words, in which {bin}, {scripts}, {model}, {source}, {target} and {stem} are filled in: where
                         the program's commands are, peers_run/, the file of the model, what is read, what is written,
                         and what is written without its suffix

To add a program: a row in programs().
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

from standout.models.registry import REGISTRY

CLIP = 1280, 720
"""Width and height of the clip."""

ABSENT = {
    "backgroundremover": "its package holds no weights; it downloads them from GitHub when it first runs",
    "rembg, birefnet-general-lite": "no package holds the weights; rembg downloads them from GitHub when it first runs",
}
"""Programs that registries alone do not give, and why."""

Command = tuple[str, ...]


@dataclass(frozen=True)
class Program:
    """A program and its commands.

    env: the environment it lives in, which others may share. packages: what its users install there; none for standout,
    which is installed from a checkout. photo, folder, clip: commands; empty where it has no way. weights: whose model
    file of peers_list and meeting.ways it is given. kept: where below its home it looks for that file. frames: of how
    many frames its clip is; 0 = all. Slow programs get the clip's beginning.
    """

    name: str
    title: str
    env: str
    packages: Command = ()
    photo: Command = ()
    folder: Command = ()
    clip: Command = ()
    weights: str = ""
    kept: str = ""
    frames: int = 0


def programs() -> list[Program]:
    """Everything that is measured, standout first."""
    mediapipe = "{bin}/python", "{scripts}/user_mediapipe.py"
    cut, blur = (("{bin}/python", "{scripts}/user_onnx.py", task, "{model}") for task in ("cut", "blur"))
    onnx = tuple(f"{name}=={version(name)}" for name in ("onnxruntime", "opencv-python-headless"))
    return [
        *(_ours(name) for name in REGISTRY),
        Program(
            "mediapipe", "MediaPipe selfie, by a script", "mediapipe", ("mediapipe==0.10.21",),
            photo=(*mediapipe, "cut", "{source}", "{target}"), folder=(*mediapipe, "cut", "{source}", "{target}"),
            clip=(*mediapipe, "blur", "{source}", "{target}"),
        ),
        Program(
            "modnet", "MODNet, by a script", "onnx", onnx, weights="modnet", frames=30,
            photo=(*cut, "{source}", "{target}"), folder=(*cut, "{source}", "{target}"),
            clip=(*blur, "{source}", "{target}"),
        ),
        Program(
            "rvm", "RobustVideoMatting, by a script", "onnx", onnx, weights="rvm", frames=60,
            clip=(*blur, "{source}", "{target}"),
        ),
        _rembg("rembg-u2netp", "u2netp", "u2netp", frames=30),
        _rembg("rembg-isnet", "isnet-general-use", "isnet", frames=10),
    ]  # fmt: skip


def _ours(model: str) -> Program:
    tail = ("{source}", "-o", "{target}", "--model", model)
    cut, blur = (("{bin}/standout", task, *tail) for task in ("cut", "blur"))
    return Program(model, model, "standout", photo=cut, folder=cut, clip=blur)


def _rembg(name: str, model: str, weights: str, *, frames: int) -> Program:
    """The program rembg with one of its models; frames go through ffmpeg into it, as its documentation says."""
    width, height = CLIP
    raw = "ffmpeg -v error -i {source} -an -f rawvideo -pix_fmt rgb24 pipe:1"
    return Program(
        name, f"rembg, {model}", "rembg", ("rembg[cpu,cli]==2.0.86",), weights=weights,
        kept=f"models/{model}/{model}.onnx", frames=frames,
        photo=("{bin}/rembg", "i", "-m", model, "{source}", "{target}"),
        folder=("{bin}/rembg", "p", "-m", model, "{source}", "{target}"),
        clip=("/bin/sh", "-c", raw + " | {bin}/rembg b -m " + f"{model} {width} {height}" + " -o {stem}/%04d.png"),
    )  # fmt: skip
