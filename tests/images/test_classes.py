"""Masks of class numbers, where somebody has named the classes that are person."""

from __future__ import annotations

import numpy as np
import pytest

from standout.errors import UnclearMask
from standout.images import Classes, read_mask
from tests.images.test_mask import PERSON, indexed, levels, of, rgb, voc_palette


def test_classes_say_which_values_are_person() -> None:
    classes = Classes(frozenset({15, 24, (192, 128, 128)}), frozenset({255, (224, 224, 192)}), where="classes.csv")
    for data in (
        of(levels(0, 15, 255, 11).astype(np.uint8)),
        of(levels(0, 24, 255, 11).astype(np.uint16)),
        indexed(levels(0, 15, 255, 11), voc_palette()),
        of(np.array(voc_palette(), np.uint8).reshape(-1, 3)[levels(0, 15, 255, 11)]),
    ):
        assert read_mask(data, classes=classes)[:32:8, 0].tolist() == [0, 255, 128, 0]
    assert not read_mask(of(levels(0, 3).astype(np.uint8)), classes=classes).any(), "another class alone is nobody"
    by_color = Classes(frozenset({(192, 128, 128)}), where="labelmap.txt")
    assert (read_mask(indexed(levels(0, 15), voc_palette()), classes=by_color)[8:16] == 255).all()


def test_255_alone_is_believed_where_it_was_said_of_these_masks() -> None:
    """A photo of nobody with a part that does not count."""
    said = Classes(frozenset({15}), frozenset({255}), where="classes.csv")
    assert set(np.unique(read_mask(of(PERSON), classes=said))) == {0, 128}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (of(levels(0, 15).astype(np.uint8), "JPEG"), "compressed with loss"),
        (of(rgb((200, 0, 0))), "classes.csv names no color"),
    ],
)
def test_classes_that_do_not_fit_are_refused(data: bytes, said: str) -> None:
    with pytest.raises(UnclearMask, match=said):
        read_mask(data, classes=Classes(frozenset({15}), frozenset({255}), where="classes.csv"))


def test_255_alone_is_not_taken_for_void_where_nobody_said_so() -> None:
    of_a_layout = Classes(frozenset({15}), frozenset({255}), where="c", sure=False)
    for classes in (of_a_layout, Classes(frozenset({15}), where="c")):
        with pytest.raises(UnclearMask, match="its levels are 0 and 255, and c does not name 255 as person"):
            read_mask(of(PERSON), classes=classes)
