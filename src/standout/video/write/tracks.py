"""The clip's sound, subtitles, chapters and tags -> the file that is made of it.

    clip         Clip              the source; it is read a second time, without its pictures
    output       OutputContainer   the file; its video track is there already
    shift        Fraction          seconds that are taken off the times of the clip's file
    track        Track             one of them on its way: packets in, packets out

Sound that the container holds is copied bit for bit, other sound is re-encoded, and notes say so. Packets are read
only up to the time that the pictures have reached, so memory does not grow with the clip's length.

To add a way to carry a track over: a class in track.py, chosen in Tracks._track.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.stream import Disposition

from standout.video.demux import open_container, video_track
from standout.video.formats import Container
from standout.video.write.copyable import can_copy
from standout.video.write.options import WriteOptions
from standout.video.write.track import (
    Channels,
    CopiedTrack,
    ReencodedTrack,
    RewrittenTrack,
    Span,
    Track,
    carry_track_tags,
)

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.stream import Stream

    from standout.video.clip import Clip

_DROPPED_TAGS = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration"}
"""Tags that describe the clip's file, and not what it shows."""

_TELLING_TAGS = ("title", "handler_name")
"""Tags of a track that private files leave out: people write names there, and cameras what they are."""

_TEXT = {"mov_text", "subrip", "ass", "webvtt", "text"}
"""Codecs of subtitles that are text."""

_REAL_LEAD = Fraction(1, 20)
"""Seconds. Sound that begins earlier than this before the pictures is meant to be heard: the pictures wait for it. A
shorter lead is the delay of an audio encoder."""


class Tracks:
    """All tracks but the pictures. finish or close lets the clip's file go.

    options: start and end of the excerpt in the clip, whether sound is wanted, and whether the file is to be private.
    lead: seconds that the pictures wait for sound that begins before them.
    """

    def __init__(
        self,
        clip: Clip,
        output: OutputContainer,
        options: WriteOptions,
        *,
        container: Container,
        suffix: str,
        notes: list[str],
    ) -> None:
        self._clip, self._input = clip, open_container(clip.path)
        self._output = output
        self._container, self._suffix = container, suffix
        self._notes = notes
        start, end = Fraction(options.start), options.end
        trimmed = start > 0
        self.lead = Fraction(0) if trimmed or not options.sound else _lead(self._input, clip)
        end = None if end is None else end - start + self.lead
        self._span = Span(shift=clip.begins + start - self.lead, end=end, trimmed=trimmed)
        self._tracks: dict[int, Track] = {}
        self._names: dict[int, str] = {}
        try:
            self._private = options.private
            if not self._private:
                carry_track_tags(video_track(self._input, clip.path, clip.index), output.streams[0])
                self._carry_tags()
            self._choose(clip.index, sound=options.sound)
            for stream in output.streams if self._private else ():
                for tag in [tag for tag in stream.metadata if tag.lower() in _TELLING_TAGS]:
                    del stream.metadata[tag]
        except BaseException:
            self.close()
            raise
        self._held: Packet[Stream] | None = None
        self._packets = self._read()

    def until(self, time: Fraction) -> None:
        """Writes everything up to time, in seconds of the file."""
        while self._tracks:
            packet = self._held or next(self._packets, None)
            self._held = None
            if packet is None:
                return
            if self._time(packet) > time:
                self._held = packet
                return
            self._tracks[packet.stream.index].put(packet)
            if all(track.done for track in self._tracks.values()):
                return

    def finish(self) -> None:
        """Writes the rest, and lets the clip's file go."""
        self.until(Fraction(1 << 62) if self._span.end is None else self._span.end)
        for index, track in self._tracks.items():
            track.finish()
            if track.lost:
                self._notes.append(f"{self._names[index]}: {track.lost} damaged packets left out")
        self.close()

    def close(self) -> None:
        """Closes the clip's file."""
        self._input.close()

    def _time(self, packet: Packet[Stream]) -> Fraction:
        """When the packet is decoded, in seconds of the file."""
        ticks = packet.pts if packet.dts is None else packet.dts
        return (ticks or 0) * packet.time_base - self._span.shift

    def _read(self) -> Iterator[Packet[Stream]]:
        """The packets of the chosen tracks. Where the file cannot be read further, they end with a note."""
        timeline = self._clip.timeline
        if self._span.trimmed and timeline.searchable and not timeline.gapless:
            # a second early, as .ts is searched by its pictures; a file without an index is read from its beginning
            with contextlib.suppress(av.error.FFmpegError, OSError):
                self._input.seek(max(0, int((self._span.shift - 1) * av.time_base)))
        chosen = [stream for stream in self._input.streams if stream.index in self._tracks]
        packets = timeline.placed(self._input.demux(chosen), dropped=True) if chosen else iter(())
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError, ValueError) as error:
                self._notes.append(f"sound ends early: the file is damaged there ({error})")
                return
            except IndexError:  # PyAV raises it at the end of a file in which a track turned up on the way
                return
            if packet is None:
                return
            if packet.size and (packet.pts is not None or packet.dts is not None):
                yield packet

    def _choose(self, pictures: int, *, sound: bool) -> None:
        """A way for each track that is carried over; notes name those that are not."""
        number = 0
        for stream in self._input.streams:
            if stream.index == pictures:
                continue
            if stream.type == "audio":
                number += 1
                if sound:
                    self._add(stream, f"sound track {number}" if len(self._input.streams.audio) > 1 else "sound")
            elif stream.type == "subtitle" and self._private:
                self._notes.append("subtitles left out: they may tell names, or the place")
            elif stream.type == "subtitle":
                self._add(stream, "subtitles")
            elif stream.type == "video":
                cover = stream.disposition & Disposition.attached_pic
                self._notes.append("cover picture left out" if cover else "a further video track left out")

    def _add(self, stream: Stream, name: str) -> None:
        """Carries the track over, if that is possible. name: what notes call it."""
        track = self._track(stream, name)
        if track is not None:
            self._tracks[stream.index], self._names[stream.index] = track, name

    def _track(self, stream: Stream, name: str) -> Track | None:
        """How the track is carried over; None, with a note, where it cannot be."""
        target, output, span = self._container, self._output, self._span
        if stream.codec_context is None:
            self._notes.append(f"{name} left out: this build of FFmpeg does not know its codec")
            return None
        channels = Channels.of(stream) if isinstance(stream, av.AudioStream) else None
        if isinstance(stream, av.AudioStream) and not (stream.rate and channels and channels.count):
            self._notes.append(f"{name} left out: the file does not say how many samples or channels it has")
            return None
        kind = stream.codec_context.codec.canonical_name
        if kind in target.sound | target.subtitles and can_copy(self._clip, stream.index, target):
            return CopiedTrack(stream, output, span, early=target.edits)
        try:
            if isinstance(stream, av.AudioStream) and channels:
                renewed = ReencodedTrack(stream, output, span, codec=target.new_sound, channels=channels)
                what = f"{kind} of {stream.rate} Hz" if kind in target.sound else kind
                self._notes.append(
                    f"{name} re-encoded from {what} to {target.new_sound}: {self._suffix} cannot hold it"
                )
                return renewed
            if isinstance(stream, av.subtitles.stream.SubtitleStream) and kind in _TEXT and target.text:
                rewritten = RewrittenTrack(stream, output, span, codec=target.text)
                self._notes.append(f"{name} changed from {kind} to {target.text}: {self._suffix} cannot hold them")
                return rewritten
        except (av.error.FFmpegError, ValueError) as error:
            self._notes.append(f"{name} left out: {kind} cannot be converted to what {self._suffix} holds ({error})")
            return None
        holds = " or ".join(sorted(target.subtitles)) or "none"
        self._notes.append(f"{name} ({kind}) left out: {self._suffix} holds {holds}")
        return None

    def _carry_tags(self) -> None:
        """Copies title, artist and the like, and the chapters, but not the place, which photos do not keep either."""
        for key, value in self._input.metadata.items():
            if key.lower() not in _DROPPED_TAGS and "location" not in key.lower():
                self._output.metadata[key] = value
        kept = []
        for chapter in self._input.chapters():
            base = chapter["time_base"] or Fraction(1, av.time_base)
            begins, ends = (chapter["start"] * base - self._span.shift, chapter["end"] * base - self._span.shift)
            if ends > 0 and (self._span.end is None or begins < self._span.end):
                ends = ends if self._span.end is None else min(ends, self._span.end)
                chapter["start"], chapter["end"] = int(max(begins, Fraction(0)) / base), int(ends / base)
                chapter["time_base"] = base
                kept.append(chapter)
        if kept:
            self._output.set_chapters(kept)


def _lead(container: InputContainer, clip: Clip) -> Fraction:
    """Seconds by which sound begins before the first frame; 0 where it does not."""
    begins = [
        stream.start_time * stream.time_base
        for stream in container.streams.audio
        if stream.start_time is not None and stream.time_base
    ]
    lead = clip.begins - min(begins, default=clip.begins)
    return lead if lead > _REAL_LEAD else Fraction(0)
