"""Clips in and out: the only room that knows FFmpeg (PyAV).

    clip             file -> Clip: what it is, and its frames             open_clip, Clip
    facts            what a clip's file says about its pictures
    demux            file -> FFmpeg's container and the track to read
    decode           Clip -> its frames, one after another
    turn             how a decoded picture becomes upright
    timeline         the clock of a clip's file, made continuous
    appended         a second file behind the first, which FFmpeg does not read
    formats          which files are read and written                     READABLE, CONTAINERS, CODECS
    color            YUV <-> RGB, by the matrix and range of the clip     Colors
    planes           frames in YUV, without a detour by RGB                has_planes, PlanarSize
    gamut            RGB -> RGB of other primaries or another curve       converter, SRGB
    stream           URL -> its frames, as they arrive                    Stream
    virtual_camera   pictures -> a virtual camera of Linux                VirtualCamera
    write            pictures, one after another -> file                  Writer, WriteOptions

FFmpeg is loaded when a name that needs it is first used; the tables of formats need no FFmpeg. To add a format: see
formats.py.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from standout.video.formats import CODECS, CONTAINERS, READABLE, Codec, Container

if TYPE_CHECKING:
    from standout.video.clip import Clip as Clip
    from standout.video.clip import open_clip as open_clip
    from standout.video.color import Colors as Colors
    from standout.video.gamut import SRGB as SRGB
    from standout.video.gamut import converter as converter
    from standout.video.gamut import is_known as is_known
    from standout.video.planes import PlanarSize as PlanarSize
    from standout.video.planes import has_planes as has_planes
    from standout.video.stream import Stream as Stream
    from standout.video.virtual_camera import VirtualCamera as VirtualCamera
    from standout.video.write.options import WriteOptions as WriteOptions
    from standout.video.write.writer import Writer as Writer

_LATER = {
    "SRGB": "gamut",
    "Clip": "clip",
    "Colors": "color",
    "PlanarSize": "planes",
    "VirtualCamera": "virtual_camera",
    "Stream": "stream",
    "WriteOptions": "write.options",
    "Writer": "write.writer",
    "converter": "gamut",
    "has_planes": "planes",
    "is_known": "gamut",
    "open_clip": "clip",
}
"""Public name -> the module that defines it, which loads FFmpeg."""

__all__ = [
    "CODECS",
    "CONTAINERS",
    "READABLE",
    "SRGB",
    "Clip",
    "Codec",
    "Colors",
    "Container",
    "PlanarSize",
    "Stream",
    "VirtualCamera",
    "WriteOptions",
    "Writer",
    "converter",
    "has_planes",
    "is_known",
    "open_clip",
]


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module 'standout.video' has no attribute {name!r}")
    value = getattr(import_module(f"standout.video.{_LATER[name]}"), name)
    globals()[name] = value
    return value
