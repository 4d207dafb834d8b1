"""The sizes of photos that a network takes.

shape   tuple of int | None   of an input or output, as a file states it; None means any
size    (h, w)                of the photos
"""

from __future__ import annotations

from collections.abc import Sequence

from standout.errors import ModelError

Size = tuple[int, int]


def or_list(sizes: Sequence[Size]) -> str:
    """The sizes as a part of a sentence.

    >>> or_list([(320, 256), (256, 320)])
    '320x256 or 256x320'
    """
    return " or ".join(f"{height}x{width}" for height, width in sizes)


def sizes_of(
    takes: Sequence[Sequence[int | None]], gives: Sequence[Sequence[int | None]], *, where: str, channels: int = 3
) -> tuple[Size, ...]:
    """The only (h, w) that a file with inputs and outputs of these shapes takes; empty where it takes any.

    channels: of the input; what a person segmentation network takes has 3, what a click network takes has 8.

    Raises ModelError where it is no such network, which maps one input (N, channels, h, w) to one output (N, 1, h, w);
    where only one of the sides is free; and where N is neither free nor 1.

    >>> sizes_of([(1, 3, 320, 256)], [(1, 1, 320, 256)], where="m.onnx")
    ((320, 256),)
    >>> sizes_of([(None, 3, None, None)], [(None, 1, None, None)], where="m.onnx")
    ()
    """

    def fits(shapes: Sequence[Sequence[int | None]], channels: int) -> bool:
        return len(shapes) == 1 and len(shapes[0]) == 4 and shapes[0][1] in (channels, None)

    if not fits(takes, channels) or not fits(gives, 1):
        shown = " -> ".join(
            ", ".join("(" + ", ".join("any" if side is None else str(side) for side in one) + ")" for one in shapes)
            for shapes in (takes, gives)
        )
        kind = "person segmentation net" if channels == 3 else "click net"
        raise ModelError(f"{where} is no {kind}: it maps {shown}; wanted (N, {channels}, h, w) -> (N, 1, h, w)")
    count, _, height, width = takes[0]
    if (height is None) != (width is None) or count not in (None, 1):
        sides = ", ".join("any" if side is None else str(side) for side in takes[0])
        raise ModelError(
            f"{where} takes photos of the shape ({sides}); wanted (1 or any, 3, h, w) with h and w both fixed or both "
            "any; export it with standout's own exporter"
        )
    return () if height is None or width is None else ((height, width),)
