"""Whether a container takes a track as it is: asked of FFmpeg's muxer, with the track's first packets.

The tables of containers.py name codecs; but a container may hold a codec and not all of it: .mp4 takes no MP3 of
11,025 Hz, and which sample rates, channels and variants each muxer takes is written down in its code alone.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import av

from standout.video.clip import contain
from standout.video.formats import Container

if TYPE_CHECKING:
    from standout.video.clip import Clip

_ENOUGH = 8
"""Packets of the track that are tried: some refusals come with the first packet, not with the header."""

_FURTHEST = 500
"""Packets of the clip that are read to find them; a track that begins later is judged by its header."""


def can_copy(clip: Clip, index: int, target: Container) -> bool:
    """Whether the container takes the clip's track of that index bit for bit."""
    with contain(clip.path) as source:
        stream = source.streams[index]
        try:
            with av.open(io.BytesIO(), "w", format=target.format) as trial:
                copy = trial.add_stream_from_template(stream, opaque=True)
                trial.start_encoding()
                tried, last = 0, None
                for number, packet in enumerate(source.demux([stream, *source.streams.video[:1]])):
                    if tried == _ENOUGH or number == _FURTHEST:
                        break
                    time = packet.pts if packet.dts is None else packet.dts
                    late = last is None or (time is not None and time > last)
                    if packet.stream.index != index or not packet.size or time is None or not late:
                        continue
                    packet.stream, last = copy, time
                    trial.mux(packet)
                    tried += 1
        except (av.error.FFmpegError, ValueError):
            return False
    return True
