"""Everything that standout raises on purpose; each message names the value got, the value wanted and the cure.

    StandoutError
    |-- InputError           your input: a file, a folder, an option
    |   |-- UnreadableImage  not a picture, or a broken one
    |   |-- UnreadableVideo  not a video, or one without a single frame to read
    |   |-- UnclearMask      a mask that does not say which part of it is person
    |   |-- TooLarge         more pixels than the limit allows
    |   `-- OutputError      the result cannot go there: it is an input, no room, no permission
    |       `-- OutputExists a file with that name is there already, and is kept
    |-- ModelError           our model, or yours: unknown name, corrupt file, card missing
    `-- SetupError           this machine: the device is not here
        `-- MissingExtra     an optional package is not installed

Catch StandoutError to catch them all.
"""


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
    """A file or folder of that name is there already, and is kept."""


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
