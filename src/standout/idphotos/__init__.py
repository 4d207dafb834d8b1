"""ID photos by a country's rule: the head as large and where it is to be, upright, before a plain background.

    idphoto   any photo and the name of a rule -> IdPhoto
    RULES     name -> Rule: what an authority asks, its source and when it was read     rules.py
    made      a photo and its mask -> IdPhoto                                           make.py
    checks    what the rule asks, and what was measured in the result                   checks.py
    sheet     many of the same on photo paper, with cut marks                           sheet.py
    drawn     the result with its measures drawn over it                                drawing.py

No program can tell whether an authority accepts a photo: much of what is asked cannot be measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from standout.idphotos.checks import Check
from standout.idphotos.make import IdOptions, IdPhoto, made
from standout.idphotos.rules import RULES, Range, Rule, find
from standout.models.registry import DEFAULT

if TYPE_CHECKING:
    from standout.api import MaskInput, Model
    from standout.images.photo_given import Input

__all__ = ["RULES", "Check", "IdOptions", "IdPhoto", "Range", "Rule", "find", "idphoto", "made"]


def idphoto(
    photo: Input,
    rule: str,
    *,
    mask: MaskInput | None = None,
    model: Model = DEFAULT,
    options: IdOptions | None = None,
) -> IdPhoto:
    """The photo as an ID photo by that rule, such as "schengen" or "us"; RULES has them all.

    photo, mask, model: as those of standout.edit. It needs standout[idphoto].

    Raises InputError where no face or several are found, where the photo is too small, and for an unknown rule.
    """
    from standout import api
    from standout.images.photo_given import given_photo

    wanted, opened = find(rule), given_photo(photo)
    return made(opened, api._found(opened, mask, model), wanted, options or IdOptions())
