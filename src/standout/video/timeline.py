"""The clock of a clip's file, made continuous: what a pass through the file finds, and what its packets' times become.

    stretch     a piece of the file in which the clock runs on; joined files have several, each with its own clock
    shift       Fraction   seconds that are added to the times of a stretch, so that it follows the one before
    ordinal     int        a packet's number within its track, from 0; packets without content are not counted
    gapless     the sound's packets follow each other without gaps, whatever their times say, as in .avi

Pictures and sound are read separately, but by the same timeline, so they stay together. To find it, the packets of the
whole file are read once, without decoding. An .mp4 or .mov with a complete index is not read, as its clock cannot jump.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.format import Flags

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.format import ContainerFormat
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

SEAM = 0.1
"""Seconds by which a clock may step back and still be the same clock, and by which sound may overlap at a seam."""

_ROUNDED = Fraction(1, 1000)
"""Seconds: the precision to which some containers round the times of packets."""

_REORDERED = 17
"""The most frames by which B-frames are stored out of the order in which they are shown."""

_APART = 5.0
"""Seconds: how far apart packets of the same time, but of different tracks, may be stored."""

_GAP = 10.0
"""Seconds without packets in a broadcast after which its clock counts as another one, as in FFmpeg and players."""

_SILENCE = 1.0
"""Seconds without packets in a broadcast that are worth a warning."""


@dataclass
class Stretch:
    """A piece of the file with one clock: by track, its first packet's ordinal and the ticks of its begin and end."""

    first: dict[int, int] = field(default_factory=dict)
    begins: dict[int, int] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    shift: Fraction = Fraction(0)


@dataclass
class Timeline:
    """The stretches of a file, and what the pass through it found besides.

    keys: (ordinal, time) of the key frames, where there is more than one stretch. disordered: the pictures carry times
    in the order of the file, not in the order in which they are shown. gapless: see the module. begins: when the first
    picture is shown, where its own time says something else. count: number of pictures. end: of the last one, in
    seconds of the timeline; both are None where the file was not read through.
    """

    stretches: list[Stretch] = field(default_factory=lambda: [Stretch()])
    keys: list[tuple[int, Fraction]] = field(default_factory=list)
    disordered: bool = False
    gapless: bool = False
    begins: Fraction | None = None
    count: int | None = None
    end: Fraction | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def joined(self) -> bool:
        """Whether there is more than one stretch, so that the file cannot be searched by time."""
        return len(self.stretches) > 1

    @property
    def searchable(self) -> bool:
        """Whether the file can be searched by time, that is, whether it has exactly one clock."""
        return not self.joined and (self.count is None or self.end is not None)

    def placed(self, packets: Iterable[Packet[Any]], *, dropped: bool = False) -> Iterator[Packet[Any]]:
        """The packets of a file that is read from its beginning, with the times of the timeline.

        dropped: leave out sound that overlaps with the stretch before.
        """
        counts: dict[int, int] = {}
        current: dict[int, int] = {}
        sounds: dict[int, _SoundClock] = {}
        for packet in packets:
            if not packet.size:
                yield packet
                continue
            index = packet.stream.index
            ordinal = counts[index] = counts.get(index, -1) + 1
            number = current.setdefault(index, 0)
            while number + 1 < len(self.stretches) and ordinal >= self._begins(index, number + 1):
                number += 1
            seam = number != current[index]
            current[index] = number
            _shift(packet, self.stretches[number].shift)
            if packet.stream.type == "audio":
                sound = sounds.setdefault(index, _SoundClock(self.gapless))
                if not sound.place(packet, seam=seam) and dropped:
                    continue
            yield packet

    def key_before(self, time: Fraction) -> int:
        """The ordinal of the last key frame that is shown at or before time; 0 where there is none."""
        return max((ordinal for ordinal, shown in self.keys if shown <= time), default=0)

    def _begins(self, index: int, number: int) -> int:
        """The ordinal of the track's first packet in that stretch or, where it has none there, in a later one."""
        found = (stretch.first[index] for stretch in self.stretches[number:] if index in stretch.first)
        return next(found, 1 << 62)


class _SoundClock:
    """Gives the packets of a sound track their times, one after another."""

    def __init__(self, gapless: bool) -> None:
        self._gapless = gapless
        self._next: int | None = None
        self._last = 0
        self._seam = False

    def place(self, packet: Packet[Any], *, seam: bool) -> bool:
        """Gives the packet its time. False where, at a seam, it overlaps with the sound before.

        seam: the packet is the first one of a stretch.
        """
        stamp = packet.dts if packet.pts is None else packet.pts
        length = packet.duration or 0
        self._seam |= seam
        if self._next is not None:
            late = 0 if stamp is None else self._next - stamp
            if self._seam and stamp is not None and (late > length // 2 or stamp <= self._last):
                return False
            torn = self._gapless and late < 0 and self._next > self._last
            repeated = 2 * late > length and late * packet.time_base > _ROUNDED
            if stamp is None or torn or repeated:
                stamp = packet.pts = packet.dts = self._next
        self._seam = False
        if stamp is not None:
            self._last, self._next = stamp, stamp + length
        return True


def _shift(packet: Packet[Any], shift: Fraction) -> None:
    """Adds seconds to the packet's times."""
    if shift:
        ticks = round(shift / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts + ticks
        packet.dts = None if packet.dts is None else packet.dts + ticks


def of(container: InputContainer, pictures: VideoStream, rate: Fraction) -> Timeline:
    """The timeline of a file that was just opened; its packets are read where the index does not say enough.

    rate: mean frames a second.
    """
    if indexed(container, pictures):
        return Timeline()
    return _Survey(container, pictures, rate).timeline()


def indexed(container: InputContainer, pictures: VideoStream) -> bool:
    """Whether the file is an .mp4 or .mov with a complete index, in which times are sums of durations."""
    return "mp4" in container.format.name and 0 < pictures.frames <= len(pictures.index_entries)


def flagged(format: ContainerFormat, flag: Flags) -> bool:
    """Whether FFmpeg sets this flag for the format."""
    bits: Any = flag.value  # PyAV's stub declares a Flags, but it is an int
    return bool(format.flags & bits)


class _Survey:
    """Reads the packets of a file and finds its stretches.

    Times are in seconds; the stretches keep ticks, which are exact.
    """

    def __init__(self, container: InputContainer, pictures: VideoStream, rate: Fraction) -> None:
        self._container, self._pictures, self._rate = container, pictures, rate
        self._others = [track for track in container.streams if track.type in ("audio", "subtitle")]
        self._texts = {track.index for track in self._others if track.type == "subtitle"}
        self._broadcast = flagged(container.format, Flags.ts_discont)
        self._bases = {track.index: track.time_base or Fraction(1) for track in [pictures, *self._others]}
        self._stretches, self._guesses = [Stretch()], [0.0]  # a guess: the shift of the stretch, in seconds
        self._current: dict[int, int] = {}  # track -> the number of its stretch
        self._top: dict[int, float] = {}  # track -> the latest time in that stretch
        self._front = self._position = 0.0  # latest time in the last stretch; last packet's, guessed
        self._counts: dict[int, int] = {}
        self._keys: list[tuple[int, int, int]] = []  # ordinal, ticks, number of the stretch
        self._back = False  # a picture has an earlier time than one stored before it
        self._first: int | None = None  # ticks at which the first picture is decoded
        self._silences: list[tuple[float, float]] = []

    def timeline(self) -> Timeline:
        """The timeline that was found."""
        with contextlib.suppress(av.error.FFmpegError, OSError, ValueError, IndexError):  # decoding reports damage
            for packet in self._container.demux([self._pictures, *self._others]):
                if packet.size:
                    self._see(packet)
        self._join()
        stretches, pictures = self._stretches, self._pictures
        base = self._bases[pictures.index]
        found = Timeline(stretches, gapless=self._container.format.name == "avi")
        found.count = self._counts.get(pictures.index, -1) + 1
        index = pictures.index
        ends = [stretch.ends[index] * base + stretch.shift for stretch in stretches if index in stretch.ends]
        found.end = max(ends, default=None)
        if found.joined:
            found.keys = [(ordinal, ticks * base + stretches[number].shift) for ordinal, ticks, number in self._keys]
            found.warnings.append(self._seams())
        found.warnings += [
            f"holds nothing from {begins:.2f} to {ends:.2f} s of its clock" for begins, ends in self._silences
        ]
        if found.gapless and self._first is not None:  # .avi counts pictures in the order of the file
            found.begins = self._first * base
        found.disordered = bool(ends) and not self._back and pictures.codec_context.has_b_frames > 0
        return found

    def _see(self, packet: Packet[Stream]) -> None:
        """Takes note of one packet."""
        index = packet.stream.index
        ordinal = self._counts[index] = self._counts.get(index, -1) + 1
        if index == self._pictures.index and ordinal == 0:
            self._first = packet.dts
        ticks = packet.dts if packet.pts is None else packet.pts
        if ticks is None or packet.is_discard:  # an edit list hides the packet
            return
        moving = index == self._pictures.index
        time = float(ticks * self._bases[index])
        number = self._stretch_of(index, time, moving=moving, key=packet.is_keyframe)
        length = packet.duration or (round(1 / self._rate / self._bases[index]) if moving else 0)
        if number != self._current.get(index):
            self._current[index] = number
            self._stretches[number].first.setdefault(index, ordinal)
            self._top[index] = time
        here = self._stretches[number]
        here.begins[index] = min(ticks, here.begins.get(index, ticks))
        here.ends[index] = max(ticks + length, here.ends.get(index, ticks))
        self._back |= moving and time < self._top[index]
        self._top[index] = max(self._top[index], time)
        self._position = time + self._guesses[number]
        if number == len(self._stretches) - 1:
            self._front = max(self._front, time + float(length * self._bases[index]))
        if moving and packet.is_keyframe:
            self._keys.append((ordinal, ticks, number))

    def _stretch_of(self, index: int, time: float, *, moving: bool, key: bool) -> int:
        """The number of the stretch to which a packet of the track at that time belongs.

        A new stretch begins where the clock steps. moving: the track is that of the pictures. key: it is a key frame.
        """
        newest = len(self._stretches) - 1
        if not self._current:
            self._front = self._position = time
        before = self._current.get(index)
        if before is None:
            return newest
        stored_late = moving and not key  # a B-frame
        reordered = max(1.0, float(_REORDERED / self._rate)) if stored_late else 0.0
        back = time < self._top[index] - SEAM - reordered and (self._broadcast or not stored_late)
        if before < newest:
            old, new = (abs(time + self._guesses[number] - self._position) for number in (before, newest))
            return newest if back or new + _APART < old else before
        ahead = time - self._front
        if index in self._texts:
            return before
        if back or (self._broadcast and ahead > _GAP):
            self._stretches.append(Stretch())
            self._guesses.append(self._guesses[-1] + self._front - time)
            self._front = time
            return newest + 1
        if self._broadcast and ahead > _SILENCE:
            self._silences.append((self._front, time))
        return before

    def _join(self) -> None:
        """Shifts each stretch to the end of the one before: pictures without a gap, unless sound would be lost."""
        ended: dict[int, Fraction] = {}
        for stretch in self._stretches:
            lacks = {
                index: ended[index] - ticks * self._bases[index]
                for index, ticks in stretch.begins.items()
                if index in ended and index not in self._texts
            }
            most = max(lacks.values(), default=Fraction(0))
            exact = lacks.get(self._pictures.index, most)
            stretch.shift = most if most - exact > SEAM else exact
            for index, ticks in stretch.ends.items():
                ended[index] = ticks * self._bases[index] + stretch.shift

    def _seams(self) -> str:
        """The warning that names where the clock jumps, in seconds from the beginning."""
        at = [
            min(ticks * self._bases[index] for index, ticks in stretch.begins.items()) + stretch.shift
            for stretch in self._stretches
        ]
        named = ", ".join(f"{float(seam - at[0]):.2f}" for seam in at[1:6]) + (", ..." if len(at) > 6 else "")
        return f"has a clock that jumps (at {named} s): perhaps several joined files; they are read one after another"
