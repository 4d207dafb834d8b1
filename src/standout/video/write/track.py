"""One track on its way into a file: copied bit for bit, or converted for a container that cannot hold it.

    CopiedTrack      packets as they are, with shifted times
    ReencodedTrack   sound, decoded and encoded again, cut to the sample
    RewrittenTrack   subtitles, from one kind of text to another

    put(packet)      takes a packet of the source; the file gets what becomes of it
    Span             how the times of the source become those of the file

To add a way: a subclass of Track with carry, chosen in tracks.Tracks.
"""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.audio.frame import AudioFrame
from av.format import Flags

from standout.video.timeline import flagged

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.subtitles.stream import SubtitleStream

_COARSE, _FINE = Fraction(1, 1000), Fraction(1, 90000)
"""Seconds in a tick: times in larger ticks than the first become times in the second."""

_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_AAC_RATES = {96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000}
_ENCODERS = {"aac": ("aac", 96_000), "opus": ("libopus", 64_000)}
"""Codec -> FFmpeg's encoder, and bits a second for each channel."""


@dataclass(frozen=True)
class Span:
    """How the times of the clip's file become those of the new file.

    shift: seconds that are taken off. end: where the new file ends, in its own seconds; None is the clip's end.
    trimmed: the new file starts later than the clip, so what comes before is cut off.
    """

    shift: Fraction
    end: Fraction | None
    trimmed: bool


@dataclass(frozen=True)
class Channels:
    """The channels of a sound track.

    count: how many. layout: FFmpeg's name of the layout in which they are encoded; "" where they cannot be decoded.
    places: the number of each channel in the source; empty where the source has them in the layout's own order.
    """

    count: int
    layout: str
    places: tuple[int, ...] = ()

    @classmethod
    def of(cls, stream: AudioStream) -> Channels:
        """The channels of a track whose layout was not read before.

        Some files list their channels one by one (a .mov of 7.1 does). PyAV frees that list each time the layout is
        read, and once more with the track, which ends the process. So it is read once, here, and the decoder gets a
        plain layout.
        """
        context = stream.codec_context
        found = context.layout  # PyAV has freed the list now
        count = found.nb_channels
        layout = _LAYOUTS.get(count, "stereo")
        if "(" not in found.name.partition("channels")[2]:
            return cls(count, layout)
        if not context.name.startswith("pcm_"):  # other decoders make the list anew with each frame
            return cls(count, "")
        context.layout = layout if count in _LAYOUTS else f"{count} channels"
        names, wanted = ([channel.name for channel in one.channels] for one in (found, av.AudioLayout(layout)))
        moved = names != wanted and sorted(names) == sorted(wanted)
        return cls(count, layout, tuple(map(names.index, wanted)) if moved else ())


_KEPT_TAGS = ("title", "language", "handler_name")


def carry_track_tags(source: Stream, target: Stream) -> None:
    """Copies a track's title and language, and whether it is the default track."""
    for key, value in source.metadata.items():
        if key.lower() in _KEPT_TAGS and value:
            target.metadata[key] = value
    target.disposition = source.disposition


def is_disk_error(error: av.error.FFmpegError) -> bool:
    """Whether the disk refused to write. EPERM is no sign of it: FFmpeg's own muxers use that code, too."""
    return isinstance(error, OSError) and error.errno != errno.EPERM


class Track(ABC):
    """One track on its way into the file output.

    done: a packet beyond the end has come. lost: packets that were left out because they are damaged.
    """

    def __init__(self, output: OutputContainer, span: Span) -> None:
        self.output = output
        self.span = span
        self.done = False
        self.lost = 0
        self._last: Fraction | None = None

    def put(self, packet: Packet[Stream]) -> None:
        """Carries the packet over, unless it begins at the end of the file or later."""
        begins = self.time(packet)
        self.done = self.span.end is not None and begins >= self.span.end
        if not self.done:
            self.carry(packet, begins, begins + (packet.duration or 0) * packet.time_base)

    def time(self, packet: Packet[Stream]) -> Fraction:
        """When the packet begins, in seconds of the file."""
        ticks = packet.dts if packet.pts is None else packet.pts
        return (ticks or 0) * packet.time_base - self.span.shift

    @abstractmethod
    def carry(self, packet: Packet[Stream], begins: Fraction, ends: Fraction) -> None:
        """Writes what becomes of the packet, now or later. begins, ends: in seconds of the file."""

    def mux(self, packet: Packet[Stream]) -> None:
        """Writes the packet, unless it is so damaged that no container takes its time."""
        ticks = packet.pts if packet.dts is None else packet.dts
        time = (ticks or 0) * packet.time_base
        # two subtitles may begin at once, and so may two packets of sound that are shorter than a millisecond
        together = packet.stream.type == "subtitle" or flagged(self.output.format, Flags.ts_nonstrict)
        if self._last is not None and (time < self._last or (time == self._last and not together)):
            self.lost += 1
            return
        self._last = time
        try:
            self.output.mux(packet)
        except av.error.FFmpegError as error:
            if is_disk_error(error):
                raise
            self.lost += 1

    def finish(self) -> None:  # noqa: B027 - most tracks hold nothing back
        """Writes what was held back."""


class CopiedTrack(Track):
    """A track whose packets stay as they are.

    early: of a trimmed track, a packet that begins before time 0 and ends after it stays, as the container has an edit
    list that makes players skip the part before 0. Elsewhere such a packet is left out.
    """

    def __init__(self, source: Stream, output: OutputContainer, span: Span, *, early: bool) -> None:
        super().__init__(output, span)
        self._stream = output.add_stream_from_template(source, opaque=True)
        carry_track_tags(source, self._stream)
        self._early = early
        self._text = source.type == "subtitle"

    def carry(self, packet: Packet[Stream], begins: Fraction, ends: Fraction) -> None:
        """Writes the packet at its shifted time."""
        base = packet.time_base
        begun = ends > 0 if self._early or self._text else begins >= 0
        if self.span.trimmed and not begun:
            return
        if self._text and begins < 0:
            packet.pts = packet.dts = 0
            packet.duration = round(ends / base)
        else:
            if base > _COARSE:  # .avi counts the packets of sound
                for name in ("pts", "dts", "duration"):
                    ticks = getattr(packet, name)
                    setattr(packet, name, None if ticks is None else round(ticks * base / _FINE))
                base = packet.time_base = _FINE
            shift = round(self.span.shift / base)
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
        packet.stream = self._stream
        self.mux(packet)


class ReencodedTrack(Track):
    """A sound track for a container that cannot hold the source's codec, with the same channels.

    codec: "aac" or "opus". Raises ValueError where the source cannot be decoded.
    """

    def __init__(
        self, source: AudioStream, output: OutputContainer, span: Span, *, codec: str, channels: Channels
    ) -> None:
        super().__init__(output, span)
        if not channels.layout:
            raise ValueError("its channels are listed one by one")
        self._places = channels.places
        encoder, bits = _ENCODERS[codec]
        rate = 48000 if codec == "opus" or source.rate not in _AAC_RATES else source.rate
        stream = output.add_stream(encoder, rate=rate, bit_rate=min(512_000, bits * channels.count))
        assert isinstance(stream, av.AudioStream)
        carry_track_tags(source, stream)
        stream.layout = channels.layout
        stream.codec_context.time_base = Fraction(1, rate)
        stream.codec_context.open()
        self._stream = stream
        self._graph: av.filter.Graph | None = None

    def carry(self, packet: Packet[Stream], begins: Fraction, ends: Fraction) -> None:
        """Decodes the packet's sound and hands it to the encoder."""
        try:
            frames = packet.decode()
        except (av.error.FFmpegError, ValueError):  # the packets after it keep their times
            self.lost += 1
            return
        for frame in frames:
            if isinstance(frame, AudioFrame) and frame.pts is not None:
                self._push(frame)

    def finish(self) -> None:
        """Writes what the resampler and the encoder held back."""
        if self._graph is not None:
            self._graph.push(None)
            self._pull()
        self._encode(None)

    def _push(self, frame: AudioFrame) -> None:
        """Sends a frame through the filter graph, at its shifted time."""
        assert frame.time_base is not None
        assert frame.pts is not None
        frame.pts = round((frame.pts * frame.time_base - self.span.shift) * frame.sample_rate)
        frame.time_base = Fraction(1, frame.sample_rate)
        if self._graph is None:
            self._graph = self._resampler(frame)
        self._graph.push(frame)
        self._pull()

    def _pull(self) -> None:
        """Encodes the frames that the filter graph has ready."""
        assert self._graph is not None
        while True:
            try:
                ready = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            assert isinstance(ready, AudioFrame)
            self._encode(ready)

    def _encode(self, ready: AudioFrame | None) -> None:
        """Encodes a frame and writes the packets; None makes the encoder give up what it held back."""
        for packet in self._stream.encode(ready):
            self.mux(packet)

    def _resampler(self, frame: AudioFrame) -> av.filter.Graph:
        """A filter graph that brings sound into the encoder's form, cut to the span; gaps become silence."""
        context = self._stream.codec_context
        graph = av.filter.Graph()
        source = graph.add_abuffer(
            sample_rate=frame.sample_rate,
            format=frame.format.name,
            layout=frame.layout.name,
            time_base=Fraction(1, frame.sample_rate),
        )
        steps = [source]
        if self._places:
            order = "|".join(map(str, self._places))
            steps.append(graph.add("channelmap", f"map={order}:channel_layout={context.layout.name}"))
        end = self.span.end
        limits = (["start=0"] if self.span.trimmed else []) + ([f"end={float(end)}"] if end is not None else [])
        if limits:
            steps.append(graph.add("atrim", ":".join(limits)))
        steps.append(graph.add("aresample", f"{context.sample_rate}:async=1"))
        wanted = f"sample_fmts={context.format.name}:channel_layouts={context.layout.name}"
        steps.append(graph.add("aformat", wanted))
        steps.append(graph.add("asetnsamples", f"n={context.frame_size or 1024}:p=0"))
        steps.append(graph.add("abuffersink"))
        graph.link_nodes(*steps).configure()
        return graph


class RewrittenTrack(Track):
    """A subtitle track, from the source's kind of text to the one named by codec."""

    def __init__(self, source: SubtitleStream, output: OutputContainer, span: Span, *, codec: str) -> None:
        super().__init__(output, span)
        self._source = source.codec_context
        self._source.open(strict=False)
        stream = output.add_stream(codec)
        assert isinstance(stream, av.subtitles.stream.SubtitleStream)
        carry_track_tags(source, stream)
        stream.codec_context.subtitle_header = self._source.subtitle_header
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.open()
        self._stream = stream

    def carry(self, packet: Packet[Stream], begins: Fraction, ends: Fraction) -> None:
        """Writes the packet's text, which stays on screen as long as before."""
        if ends <= 0:
            return
        try:
            found = self._source.decode2(packet)
            if found is None or not len(found):
                return
            made = self._stream.codec_context.encode_subtitle(found)
        except (av.error.FFmpegError, ValueError):
            self.lost += 1
            return
        begins = max(begins, Fraction(0))
        made.stream = self._stream
        made.time_base = Fraction(1, 1000)
        made.pts = made.dts = round(begins * 1000)
        made.duration = round((ends - begins) * 1000)
        self.mux(made)
