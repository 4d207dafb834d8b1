"""Everything that standout raises on purpose; each message names the value got, the value wanted and the cure.

    StandoutError
    |-- InputError           what you gave: a file, a folder, an option
    |   |-- UnreadableImage  the file is not a picture, or it is damaged
    |   |-- UnreadableVideo  the file is not a video, or no frame of it can be read
    |   |-- UnclearMask      the mask does not say which part of it is person
    |   |-- TooLarge         the picture has more pixels than the limit allows
    |   `-- OutputError      the result cannot be written there: it is an input, the disk is full, no permission
    |       `-- OutputExists a file of that name exists, and is kept
    |-- ModelError           a model: its name is unknown, its file is damaged, or its card is missing
    `-- SetupError           this machine: a device, a port or a package is not available
        `-- MissingExtra     an optional package is not installed

Catch StandoutError to catch them all.

unknown, suggestion and nearest say "did you mean ...?" for every name that somebody mistyped.
"""

from collections.abc import Iterable


class StandoutError(Exception):
    """Base of all errors raised on purpose."""


class InputError(StandoutError):
    """Something you gave cannot be used."""


class UnreadableImage(InputError):
    """The file is not a picture that standout can read, or it is damaged."""


class UnreadableVideo(InputError):
    """The file is not a video that standout can read, or no frame of it can be."""


class UnclearMask(InputError):
    """The mask's levels or colors can be read in more than one way."""


class TooLarge(InputError):
    """The picture has more pixels than the limit allows (a guard against decompression bombs)."""


class OutputError(InputError):
    """The result cannot be written there."""


class OutputExists(OutputError):
    """A file or folder of that name exists, and is kept."""


class ModelError(StandoutError):
    """The model is unknown, damaged, or not a person segmentation model."""


class SetupError(StandoutError):
    """This machine cannot do what was asked."""


class MissingExtra(SetupError):
    """An optional package is needed.

    >>> str(MissingExtra("training", "train"))
    "training needs packages that are not installed; run: pip install 'standout[train]'"
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs packages that are not installed; run: pip install 'standout[{extra}]'")


def unknown(what: str, got: str, known: Iterable[str]) -> str:
    """The message for a name that is not among those known: it suggests the nearest one, or lists them all.

    >>> unknown("loss", "tverski", ["dice", "tversky"])
    "loss 'tverski' is not known; did you mean 'tversky'?"
    >>> unknown("decoder", "xxl", ["light", "heavy"])
    "decoder 'xxl' is not known; choose one of: light, heavy"
    """
    names = list(known)
    hint = suggestion(got, names, f"choose one of: {', '.join(names)}")
    return f"{what} {got!r} is not known; {hint}"


def suggestion(got: str, known: Iterable[str], otherwise: str) -> str:
    """The part of a message that suggests the nearest known name; otherwise, where none is near.

    >>> suggestion("bacth", ["batch", "epochs"], "known keys: batch, epochs")
    "did you mean 'batch'?"
    """
    near = nearest(got, known)
    return otherwise if near is None else f"did you mean {near!r}?"


def nearest(got: str, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """The known name that is spelled most nearly like got; None where none is.

    likeness: the least that counts, from 0, where any name would do, to 1, where only the same one would.

    >>> nearest("blurr", ["cut", "blur"]), nearest("photo.jpg", ["cut", "blur"])
    ('blur', None)
    """
    from difflib import get_close_matches  # only errors need it, and it takes a while to load

    return next(iter(get_close_matches(got, list(known), 1, likeness)), None)
