"""What a clip holds beside its pictures, into the film made of it: sound, subtitles, chapters, tags.

    clip         Clip              the source; read a second time, pictures left out
    output       OutputContainer   the film, its picture track already there
    shift        Fraction          seconds taken off the times of the clip's file
    lane         one track: packets in, packets out

Sound the container holds is copied bit for bit, other sound is re-encoded; notes say so. Packets are read only up to
the time the pictures have reached, so memory does not grow with the clip's length.

To add a way to carry a track over: a Track in track.py, chosen in Tracks._lane.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.stream import Disposition

from standout.video.clip import contain, track
from standout.video.formats import Container
from standout.video.write.copyable import can_copy
from standout.video.write.track import Channels, CopiedTrack, ReencodedTrack, RewrittenTrack, Track, carry_track_tags

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.stream import Stream

    from standout.video.clip import Clip

_DROPPED_TAGS = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration"}
_TEXT = {"mov_text", "subrip", "ass", "webvtt", "text"}
_REAL_LEAD = Fraction(1, 20)
"""Sound that begins earlier than this before the pictures is no encoder's run-up: the pictures wait for it."""


class Tracks:
    """All tracks but the pictures; opened with the clip's file, closed by finish or close.

    start, end: the part of the clip in the film, in seconds from the clip's first frame. lead: seconds that the
    pictures wait for sound that begins before them.
    """

    def __init__(
        self,
        clip: Clip,
        output: OutputContainer,
        *,
        target: Container,
        suffix: str,
        start: Fraction,
        end: Fraction | None,
        sound: bool,
        notes: list[str],
    ) -> None:
        self._clip, self._input = clip, contain(clip.path)
        self._output = output
        self._target, self._suffix = target, suffix
        self._notes = notes
        self._trimmed = start > 0
        self.lead = Fraction(0) if self._trimmed or not sound else _lead(self._input, clip)
        self._shift = clip.begins + start - self.lead
        self._end = None if end is None else end - start + self.lead
        self._lanes: dict[int, Track] = {}
        self._names: dict[int, str] = {}
        try:
            carry_track_tags(track(self._input, clip), output.streams[0])
            self._choose(clip.index, sound=sound)
            self._carry_tags()
        except BaseException:
            self.close()
            raise
        self._held: Packet[Stream] | None = None
        self._packets = self._read()

    def until(self, time: Fraction) -> None:
        """Everything up to time (in the film) is in the film."""
        while self._lanes:
            packet = self._held or next(self._packets, None)
            self._held = None
            if packet is None:
                return
            if self._time(packet) > time:
                self._held = packet
                return
            self._lanes[packet.stream.index].put(packet)
            if all(lane.done for lane in self._lanes.values()):
                return

    def finish(self) -> None:
        """The rest is in the film."""
        self.until(Fraction(1 << 62) if self._end is None else self._end)
        for index, lane in self._lanes.items():
            lane.finish()
            if lane.lost:
                self._notes.append(f"{self._names[index]}: {lane.lost} damaged pieces left out")
        self.close()

    def close(self) -> None:
        """The clip's file is let go."""
        self._input.close()

    def _time(self, packet: Packet[Stream]) -> Fraction:
        ticks = packet.pts if packet.dts is None else packet.dts
        return (ticks or 0) * packet.time_base - self._shift

    def _read(self) -> Iterator[Packet[Stream]]:
        """The packets of the lanes; what cannot be read further ends there, with a note."""
        timeline = self._clip.timeline
        if self._trimmed and timeline.searchable and not timeline.gapless:  # a second early: .ts seeks by its pictures
            with contextlib.suppress(av.error.FFmpegError, OSError):  # without an index: from the beginning
                self._input.seek(max(0, int((self._shift - 1) * av.time_base)))
        chosen = [stream for stream in self._input.streams if stream.index in self._lanes]
        packets = timeline.placed(self._input.demux(chosen), dropped=True) if chosen else iter(())
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError, ValueError) as error:
                self._notes.append(f"sound ends early: the file is damaged there ({error})")
                return
            except IndexError:  # av, at the end, of a file where a track turned up on the way
                return
            if packet is None:
                return
            if packet.size and (packet.pts is not None or packet.dts is not None):
                yield packet

    def _choose(self, pictures: int, *, sound: bool) -> None:
        """A lane for each track that goes along; notes name those that do not."""
        number = 0
        for stream in self._input.streams:
            if stream.index == pictures:
                continue
            if stream.type == "audio":
                number += 1
                if sound:
                    self._add(stream, f"sound track {number}" if len(self._input.streams.audio) > 1 else "sound")
            elif stream.type == "subtitle":
                self._add(stream, "subtitles")
            elif stream.type == "video":
                cover = stream.disposition & Disposition.attached_pic
                self._notes.append("cover picture left out" if cover else "a further video track left out")

    def _add(self, stream: Stream, name: str) -> None:
        lane = self._lane(stream, name)
        if lane is not None:
            self._lanes[stream.index], self._names[stream.index] = lane, name

    def _lane(self, stream: Stream, name: str) -> Track | None:
        """How the track goes along; None and a note when it cannot."""
        target, output = self._target, self._output
        if stream.codec_context is None:
            self._notes.append(f"{name} left out: its codec is not known here")
            return None
        channels = Channels.of(stream) if isinstance(stream, av.AudioStream) else None
        if isinstance(stream, av.AudioStream) and not (stream.rate and channels and channels.count):
            self._notes.append(f"{name} left out: the file does not say how many samples or channels it has")
            return None
        kind = stream.codec_context.codec.canonical_name
        if kind in target.sound | target.subtitles and can_copy(self._clip, stream.index, target):
            return CopiedTrack(
                stream, output, shift=self._shift, end=self._end, trimmed=self._trimmed, early=target.edits
            )
        try:
            if isinstance(stream, av.AudioStream) and channels:
                renewed = ReencodedTrack(
                    stream, output, target.new_sound, channels, shift=self._shift, end=self._end, cut=self._trimmed
                )
                what = f"{kind} of {stream.rate} Hz" if kind in target.sound else kind
                self._notes.append(
                    f"{name} re-encoded from {what} to {target.new_sound}: {self._suffix} cannot hold it"
                )
                return renewed
            if isinstance(stream, av.subtitles.stream.SubtitleStream) and kind in _TEXT and target.text:
                rewritten = RewrittenTrack(stream, output, target.text, shift=self._shift, end=self._end)
                self._notes.append(f"{name} changed from {kind} to {target.text}: {self._suffix} cannot hold them")
                return rewritten
        except (av.error.FFmpegError, ValueError) as error:
            self._notes.append(f"{name} left out: {kind} cannot be changed into what {self._suffix} holds ({error})")
            return None
        holds = " or ".join(sorted(target.subtitles)) or "none"
        self._notes.append(f"{name} ({kind}) left out: {self._suffix} holds {holds}")
        return None

    def _carry_tags(self) -> None:
        """Title, artist and the like, and the chapters; not where it was filmed, as with photos."""
        for key, value in self._input.metadata.items():
            if key.lower() not in _DROPPED_TAGS and "location" not in key.lower():
                self._output.metadata[key] = value
        kept = []
        for chapter in self._input.chapters():
            base = chapter["time_base"] or Fraction(1, av.time_base)
            begins, ends = (chapter["start"] * base - self._shift, chapter["end"] * base - self._shift)
            if ends > 0 and (self._end is None or begins < self._end):
                ends = ends if self._end is None else min(ends, self._end)
                chapter["start"], chapter["end"] = int(max(begins, Fraction(0)) / base), int(ends / base)
                chapter["time_base"] = base
                kept.append(chapter)
        if kept:
            self._output.set_chapters(kept)


def _lead(container: InputContainer, clip: Clip) -> Fraction:
    """Seconds by which sound begins before the first frame; 0 when it does not."""
    begins = [
        stream.start_time * stream.time_base
        for stream in container.streams.audio
        if stream.start_time is not None and stream.time_base
    ]
    lead = clip.begins - min(begins, default=clip.begins)
    return lead if lead > _REAL_LEAD else Fraction(0)
