"""standout: find the people in photos, cut them out, blur, color or replace what is behind them.

    import standout
    mask = standout.segment("photo.jpg")                   # float32 (H, W), 0..1
    picture = standout.blur("photo.jpg", mask=mask)        # uint8 (H, W, 3)
    standout.write("blurred.jpg", picture)

Names are loaded on first use, so that importing standout costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from standout.support.version import __version__ as __version__

if TYPE_CHECKING:
    from standout.api import anonymize as anonymize
    from standout.api import blur as blur
    from standout.api import bulk as bulk
    from standout.api import clip as clip
    from standout.api import color as color
    from standout.api import cut as cut
    from standout.api import edit as edit
    from standout.api import find as find
    from standout.api import folder as folder
    from standout.api import people as people
    from standout.api import replace as replace
    from standout.api import segment as segment
    from standout.editing import Edit as Edit
    from standout.errors import StandoutError as StandoutError
    from standout.idphotos import idphoto as idphoto
    from standout.images import read as read
    from standout.images import write as write
    from standout.segmenter import Segmenter as Segmenter
    from standout.types import Image as Image
    from standout.types import Judged as Judged
    from standout.types import Mask as Mask
    from standout.types import Metadata as Metadata
    from standout.types import Photo as Photo
    from standout.types import Picture as Picture

_FACE = {
    "Segmenter": "segmenter",
    "segment": "api",
    "people": "api",
    "find": "api",
    "cut": "api",
    "blur": "api",
    "color": "api",
    "anonymize": "api",
    "replace": "api",
    "edit": "api",
    "clip": "api",
    "folder": "api",
    "bulk": "api",
    "idphoto": "idphotos",
    "Edit": "editing",
    "read": "images",
    "write": "images",
    "Photo": "types",
    "Metadata": "types",
    "Image": "types",
    "Mask": "types",
    "Judged": "types",
    "Picture": "types",
    "StandoutError": "errors",
}
"""Public name -> the module it comes from."""

__all__ = [*_FACE, "__version__"]


def __getattr__(name: str) -> object:
    if name not in _FACE:
        raise AttributeError(f"module 'standout' has no attribute {name!r}")
    value = getattr(import_module(f"standout.{_FACE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
