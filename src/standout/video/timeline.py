"""The clock of a clip's file, made to go on evenly: what is read from the file, and what its packets' times become.

    part        a stretch of the file in which its clock goes on; joined files have several, each with its own clock
    shift       Fraction   seconds that are added to the times of a part, so that it follows the one before
    ordinal     int        of a packet within its track, from 0, packets without content not counted
    gapless     sound whose packets follow each other whatever their times say, as in .avi

Pictures and sound are read apart, but by the same timeline, so they stay together. The file is gone through once for
it, undecoded; an .mp4 or .mov that has a whole index is not, as its clock cannot go wrong.
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
"""Seconds by which a clock may step back without being another one, and by which sound may overlap at a seam."""

_ROUNDED = Fraction(1, 1000)
"""Seconds to which some containers round the times of packets."""

_REORDERED = 17
"""Frames by which B-frames may be stored out of turn, at most."""

_APART = 5.0
"""Seconds by which tracks that belong together may be stored apart."""

_GAP = 10.0
"""Seconds of nothing in a broadcast after which its clock counts as another one, as in FFmpeg and players."""

_SHOWN = 1.0
"""Seconds of nothing in a broadcast that are worth a warning."""


@dataclass
class Stretch:
    """A stretch of the file, by track: its first packet's ordinal, the ticks at which it begins and ends."""

    first: dict[int, int] = field(default_factory=dict)
    begins: dict[int, int] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    shift: Fraction = Fraction(0)


@dataclass
class Timeline:
    """See above. keys: (ordinal, time) of the pictures at which reading may begin, where there is more than one part.

    disordered: times of pictures are in the order of the file, not in the order in which they are shown. begins: when
    the first picture is shown, where its own time says something else. count: of pictures; end: of the last one, in
    seconds of the timeline; both None where the file was not gone through.
    """

    parts: list[Stretch] = field(default_factory=lambda: [Stretch()])
    keys: list[tuple[int, Fraction]] = field(default_factory=list)
    disordered: bool = False
    gapless: bool = False
    begins: Fraction | None = None
    count: int | None = None
    end: Fraction | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def joined(self) -> bool:
        """Whether there is more than one part, so that the file cannot be searched by time."""
        return len(self.parts) > 1

    @property
    def searchable(self) -> bool:
        """Whether the file can be searched by time: it has one clock, and has one at all."""
        return not self.joined and (self.count is None or self.end is not None)

    def placed(self, packets: Iterable[Packet[Any]], *, dropped: bool = False) -> Iterator[Packet[Any]]:
        """The packets of a file that is read from its beginning, with the timeline's times.

        dropped: sound that overlaps with the part before is left out.
        """
        counts: dict[int, int] = {}
        at: dict[int, int] = {}
        sounds: dict[int, _Sound] = {}
        for packet in packets:
            if not packet.size:
                yield packet
                continue
            index = packet.stream.index
            ordinal = counts[index] = counts.get(index, -1) + 1
            part = at.setdefault(index, 0)
            while part + 1 < len(self.parts) and ordinal >= self._begins(index, part + 1):
                part += 1
            seam = part != at[index]
            at[index] = part
            _shift(packet, self.parts[part].shift)
            if packet.stream.type == "audio":
                sound = sounds.setdefault(index, _Sound(self.gapless))
                if not sound.place(packet, seam=seam) and dropped:
                    continue
            yield packet

    def key_before(self, time: Fraction) -> int:
        """The ordinal of the last picture at or before time at which reading may begin."""
        return max((ordinal for ordinal, shown in self.keys if shown <= time), default=0)

    def _begins(self, index: int, part: int) -> int:
        """The ordinal of the track's first packet in the part or, where it has none there, after it."""
        found = (one.first[index] for one in self.parts[part:] if index in one.first)
        return next(found, 1 << 62)


class _Sound:
    """Where the packets of a sound track go, one after another."""

    def __init__(self, gapless: bool) -> None:
        self._gapless = gapless
        self._next: int | None = None
        self._last = 0
        self._seam = False

    def place(self, packet: Packet[Any], *, seam: bool) -> bool:
        """Gives the packet its time; whether it begins after what was there before it."""
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
    if shift:
        ticks = round(shift / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts + ticks
        packet.dts = None if packet.dts is None else packet.dts + ticks


def of(container: InputContainer, pictures: VideoStream, rate: Fraction) -> Timeline:
    """The timeline of a file that was just opened. rate: frames a second."""
    if indexed(container, pictures):
        return Timeline()
    return _Survey(container, pictures, rate).timeline()


def indexed(container: InputContainer, pictures: VideoStream) -> bool:
    """Whether the file is an .mp4 or .mov with a whole index, whose times are sums of durations."""
    return "mp4" in container.format.name and 0 < pictures.frames <= len(pictures.index_entries)


def flagged(format: ContainerFormat, flag: Flags) -> bool:
    """Whether FFmpeg says this of the format."""
    bits: Any = flag.value  # av's stub says: a Flags
    return bool(format.flags & bits)


class _Survey:
    """Goes through a file, and tells its parts. Times are seconds; the parts keep ticks, which are exact."""

    def __init__(self, container: InputContainer, pictures: VideoStream, rate: Fraction) -> None:
        self._container, self._pictures, self._rate = container, pictures, rate
        self._heard = [one for one in container.streams if one.type in ("audio", "subtitle")]
        self._texts = {one.index for one in self._heard if one.type == "subtitle"}
        self._broadcast = flagged(container.format, Flags.ts_discont)
        self._bases = {one.index: one.time_base or Fraction(1) for one in [pictures, *self._heard]}
        self._parts, self._guesses = [Stretch()], [0.0]
        self._at: dict[int, int] = {}  # track -> its part
        self._top: dict[int, float] = {}  # track -> the latest time in that part
        self._front = self._position = 0.0  # the latest time in the last part; the last packet's, as guessed
        self._counts: dict[int, int] = {}
        self._keys: list[tuple[int, int, int]] = []  # ordinal, ticks, part
        self._back = False  # a picture's time is before that of one stored earlier
        self._first: int | None = None  # when the first picture is decoded, in ticks
        self._silences: list[tuple[float, float]] = []

    def timeline(self) -> Timeline:
        """What was found."""
        with contextlib.suppress(av.error.FFmpegError, OSError, ValueError, IndexError):  # a damaged end is said later
            for packet in self._container.demux([self._pictures, *self._heard]):
                if packet.size:
                    self._see(packet)
        self._join()
        parts, pictures = self._parts, self._pictures
        base = self._bases[pictures.index]
        found = Timeline(parts, gapless=self._container.format.name == "avi")
        found.count = self._counts.get(pictures.index, -1) + 1
        ends = [one.ends[pictures.index] * base + one.shift for one in parts if pictures.index in one.ends]
        found.end = max(ends, default=None)
        if found.joined:
            found.keys = [(ordinal, ticks * base + parts[part].shift) for ordinal, ticks, part in self._keys]
            found.warnings.append(self._seams())
        found.warnings += [
            f"holds nothing from {begins:.2f} to {ends:.2f} s of its clock" for begins, ends in self._silences
        ]
        if found.gapless and self._first is not None:  # it counts pictures as they are stored, and shows them from 0 on
            found.begins = self._first * base
        found.disordered = bool(ends) and not self._back and pictures.codec_context.has_b_frames > 0
        return found

    def _see(self, packet: Packet[Stream]) -> None:
        index = packet.stream.index
        ordinal = self._counts[index] = self._counts.get(index, -1) + 1
        if index == self._pictures.index and ordinal == 0:
            self._first = packet.dts
        ticks = packet.dts if packet.pts is None else packet.pts
        if ticks is None or packet.is_discard:  # an edit list hides it
            return
        moving = index == self._pictures.index
        time = float(ticks * self._bases[index])
        part = self._part(index, time, moving=moving, key=packet.is_keyframe)
        length = packet.duration or (round(1 / self._rate / self._bases[index]) if moving else 0)
        if part != self._at.get(index):
            self._at[index] = part
            self._parts[part].first.setdefault(index, ordinal)
            self._top[index] = time
        here = self._parts[part]
        here.begins[index] = min(ticks, here.begins.get(index, ticks))
        here.ends[index] = max(ticks + length, here.ends.get(index, ticks))
        self._back |= moving and time < self._top[index]
        self._top[index] = max(self._top[index], time)
        self._position = time + self._guesses[part]
        if part == len(self._parts) - 1:
            self._front = max(self._front, time + float(length * self._bases[index]))
        if moving and packet.is_keyframe:
            self._keys.append((ordinal, ticks, part))

    def _part(self, index: int, time: float, *, moving: bool, key: bool) -> int:
        """The part that a packet of the track at that time belongs to; begins a new one where the clock steps."""
        newest = len(self._parts) - 1
        if not self._at:
            self._front = self._position = time
        before = self._at.get(index)
        if before is None:
            return newest
        stored_late = moving and not key  # a B-frame
        reordered = max(1.0, float(_REORDERED / self._rate)) if stored_late else 0.0
        back = time < self._top[index] - SEAM - reordered and (self._broadcast or not stored_late)
        if before < newest:
            old, new = (abs(time + self._guesses[one] - self._position) for one in (before, newest))
            return newest if back or new + _APART < old else before
        ahead = time - self._front
        if index in self._texts:
            return before
        if back or (self._broadcast and ahead > _GAP):
            self._parts.append(Stretch())
            self._guesses.append(self._guesses[-1] + self._front - time)
            self._front = time
            return newest + 1
        if self._broadcast and ahead > _SHOWN:
            self._silences.append((self._front, time))
        return before

    def _join(self) -> None:
        """Each part right behind the one before: pictures exactly, unless sound would be lost."""
        ended: dict[int, Fraction] = {}
        for part in self._parts:
            lacks = {
                index: ended[index] - ticks * self._bases[index]
                for index, ticks in part.begins.items()
                if index in ended and index not in self._texts
            }
            most = max(lacks.values(), default=Fraction(0))
            exact = lacks.get(self._pictures.index, most)
            part.shift = most if most - exact > SEAM else exact
            for index, ticks in part.ends.items():
                ended[index] = ticks * self._bases[index] + part.shift

    def _seams(self) -> str:
        at = [min(ticks * self._bases[index] for index, ticks in one.begins.items()) + one.shift for one in self._parts]
        named = ", ".join(f"{float(seam - at[0]):.2f}" for seam in at[1:6]) + (", ..." if len(at) > 6 else "")
        return f"has a clock that jumps (at {named} s): perhaps joined from several files; its parts are set end to end"
