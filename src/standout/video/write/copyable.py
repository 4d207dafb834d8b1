"""Whether a container holds a track without re-encoding it: FFmpeg's muxer is tried with the track's first packets.

The tables of formats.py name codecs, but a container may take only some streams of a codec: .mp4 refuses MP3 of
11,025 Hz, for instance. Which sample rates, channels and variants a muxer takes is written down in its code alone.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import av

from standout.video.demux import open_container
from standout.video.formats import Container

if TYPE_CHECKING:
    from standout.video.clip import Clip

_ENOUGH = 8
"""Packets of the track that are tried, as some muxers refuse the first packet and not the header."""

_FURTHEST = 500
"""Packets of the clip that are read to find them. A track that begins later is judged by its header alone."""


def can_copy(clip: Clip, index: int, container: Container) -> bool:
    """Whether the container takes the clip's track with that index bit for bit."""
    with open_container(clip.path) as source:
        stream = source.streams[index]
        try:
            with av.open(io.BytesIO(), "w", format=container.format) as trial:
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
