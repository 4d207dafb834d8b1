"""Clips that are drawn by code: a disc that wanders, and a beep that starts with the first picture."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from standout import video
from standout.types import Frame

ONE = Fraction(1)
RATE = 48000


def picture(number: int, height: int = 96, width: int = 128) -> np.ndarray:
    """Frame `number` of a disc that wanders over a gradient; the place of the disc tells the number."""
    across, down = np.meshgrid(np.linspace(40, 200, width), np.linspace(40, 200, height))
    image = np.dstack([across, down, np.full_like(across, 120)]).astype(np.uint8)
    cv2.circle(image, (10 + 6 * number % max(1, width - 20), height // 2), 8, (250, 250, 250), -1)
    return image


def flat(color: Sequence[int], height: int = 96, width: int = 128) -> np.ndarray:
    return np.full((height, width, 3), color, np.uint8)


def beep(begins: int, count: int, *, channels: int = 2) -> np.ndarray:
    """The samples of a tone, (1, count * channels), from sample `begins` on."""
    tone = np.sin(np.arange(begins, begins + count) * 2 * np.pi * 440 / RATE) * 8000
    return np.repeat(tone[:, None], channels, 1).astype(np.int16).reshape(1, -1)


@dataclass(frozen=True)
class Made:
    """What goes into a drawn clip.

    times: of the frames, in units of base. tracks: codecs of the sound tracks. samples: of the sound, in place of
    a tone. sound_block: samples a packet. gap: (begin, length), in seconds, of a stretch without packets.
    """

    pictures: Sequence[np.ndarray] = field(default_factory=lambda: [picture(n) for n in range(30)])
    times: Sequence[int] | None = None
    base: Fraction = Fraction(1, 30)
    rate: Fraction = Fraction(30)
    codec: str = "libx264"
    pixels: str = "yuv420p"
    matrix: int = 2
    range: int = 0
    aspect: Fraction = ONE
    turn: tuple[float, bool, bool] | None = None
    tracks: Sequence[str] = ()
    sound_from: Fraction = Fraction(0)
    picture_from: Fraction = Fraction(0)
    sound_seconds: Fraction = ONE
    sound_rate: int = RATE
    layout: str = "stereo"
    sound_block: int = 960
    samples: np.ndarray | None = None
    gap: tuple[float, float] | None = None
    languages: Sequence[str] = ()
    subtitles: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    chapters: Sequence[tuple[float, float, str]] = ()
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)


HEADER = (
    b"[Script Info]\r\nScriptType: v4.00+\r\nPlayResX: 384\r\nPlayResY: 288\r\n\r\n[V4+ Styles]\r\n"
    b"Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, "
    b"Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, "
    b"MarginV, Encoding\r\n"
    b"Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1\r\n\r\n[Events]\r\n"
    b"Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\r\n"
)
SUBTITLES = [(0.1, 0.4, "first"), (0.5, 0.4, "second")]


_MADE: dict[bytes, bytes] = {}


def make(path: Path, made: Made | None = None) -> Path:
    """The described clip, at path. Clips with the same description are encoded once."""
    made = made or Made()
    key = hashlib.sha256(repr((path.suffix, replace(made, pictures=()))).encode())
    for one in made.pictures:
        key.update(repr((one.shape, one.dtype)).encode() + one.tobytes())
    if key.digest() in _MADE:
        path.write_bytes(_MADE[key.digest()])
    else:
        _MADE[key.digest()] = _encode(path, made).read_bytes()
    return path


def _encode(path: Path, made: Made) -> Path:
    with av.open(str(path), "w", container_options=made.container_options) as out:
        stream = _video(out, made)
        sounds = []
        for number, codec in enumerate(made.tracks):
            sound = out.add_stream(codec, rate=made.sound_rate)
            sound.layout = made.layout
            if made.languages:
                sound.metadata["language"] = made.languages[number]
            sounds.append(sound)
        text = _subtitles(out, made)
        out.metadata.update(made.tags)
        if made.chapters:
            out.set_chapters(
                [
                    {
                        "id": n,
                        "start": int(begins * 1000),
                        "end": int(ends * 1000),
                        "time_base": Fraction(1, 1000),
                        "metadata": {"title": title},
                    }
                    for n, (begins, ends, title) in enumerate(made.chapters)
                ]
            )
        packets = _pictures(stream, made)
        for number, sound in enumerate(sounds):
            packets += _sound(sound, made, number)
        for packet in packets:  # the clock leaps: all packets from that time on are later
            if made.gap and (packet.pts or 0) * packet.time_base >= made.gap[0]:
                leap = round(made.gap[1] / packet.time_base)
                packet.pts, packet.dts = packet.pts + leap, packet.dts + leap
        packets.sort(key=lambda one: (one.pts if one.dts is None else one.dts) * one.time_base)
        for packet in packets:
            out.mux(packet)
        for begins, seconds, words in SUBTITLES if text is not None else ():
            subtitle = av.subtitles.subtitle.SubtitleSet.create(
                text=f"0,0,Default,,0,0,0,,{words}".encode(), start=0, end=int(seconds * 1000)
            )
            packet = text.codec_context.encode_subtitle(subtitle)
            packet.stream, packet.time_base = text, Fraction(1, 1000)
            packet.pts = packet.dts = int(begins * 1000)
            packet.duration = int(seconds * 1000)
            out.mux(packet)
    return path


def _video(out: av.container.OutputContainer, made: Made) -> av.VideoStream:
    stream = out.add_stream(made.codec, rate=made.rate, options=made.options)
    stream.height, stream.width = made.pictures[0].shape[:2]
    stream.pix_fmt = made.pixels
    context = stream.codec_context
    context.time_base = stream.time_base = made.base
    context.colorspace, context.color_range = made.matrix, made.range
    context.sample_aspect_ratio = made.aspect
    if made.turn:
        degrees, hflip, vflip = made.turn
        stream.set_display_rotation(degrees, hflip, vflip)
    return stream


SCALER = {1: 1, 5: 5, 6: 5, 9: 9}


def _pictures(stream: av.VideoStream, made: Made) -> list[av.Packet]:
    packets, ticks = [], {}
    times = made.times or range(len(made.pictures))
    for index, (image, time) in enumerate(zip(made.pictures, times, strict=True)):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        if made.pixels != "rgb24":
            matrix = SCALER.get(made.matrix, 1 if image.shape[0] >= 720 else 5)
            frame = frame.reformat(format=made.pixels, dst_colorspace=matrix, dst_color_range=made.range or 1)
        frame.pts, frame.time_base = time, made.base
        ticks[time] = (times[index + 1] if index + 1 < len(times) else time + round(1 / made.rate / made.base)) - time
        packets += stream.encode(frame)
    packets += stream.encode(None)
    shift = round(made.picture_from / made.base)
    for packet in packets:
        packet.duration = ticks[packet.pts]
        packet.pts += shift
        packet.dts += shift
    return packets


def _sound(stream: av.AudioStream, made: Made, number: int) -> list[av.Packet]:
    packets = []
    block = made.sound_block
    for begins in range(0, int(made.sound_seconds * RATE), block):
        levels = beep(begins + 4000 * number, block)
        if made.samples is not None:
            levels = np.repeat(made.samples[begins : begins + block, None], 2, 1).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(levels, format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, begins, Fraction(1, RATE)
        packets += stream.encode(frame)
    packets += stream.encode(None)
    for packet in packets:
        shift = round(made.sound_from / packet.time_base)
        packet.pts += shift
        packet.dts = packet.pts if packet.dts is None else packet.dts + shift
    return packets


def _subtitles(out: av.container.OutputContainer, made: Made) -> av.subtitles.stream.SubtitleStream | None:
    if made.subtitles is None:
        return None
    stream = out.add_stream(made.subtitles)
    stream.codec_context.subtitle_header = HEADER
    stream.codec_context.time_base = Fraction(1, 1000)
    stream.metadata["language"] = "deu"
    return stream


def sound_packets(path: Path, track: int = 0) -> list[tuple[Fraction, bytes]]:
    """(time, bytes) of each packet of a sound track; times are counted from the first picture."""
    with av.open(str(path)) as container:
        zero = first_frame(container)
    with av.open(str(path)) as container:
        return [
            (packet.pts * packet.time_base - zero, bytes(packet))
            for packet in container.demux(container.streams.audio[track])
            if packet.size
        ]


def first_frame(container: av.container.InputContainer) -> Fraction:
    """When the first picture is shown, on the file's own clock. An .avi stores no such time and shows it at 0."""
    if container.format.name == "avi":
        return Fraction(0)
    frame = next(container.decode(video=0))
    return frame.pts * container.streams.video[0].time_base


def frame_times(path: Path) -> list[Fraction]:
    """When each picture is shown, in seconds from the first."""
    with av.open(str(path)) as container:
        base = container.streams.video[0].time_base
        times = [frame.pts * base for frame in container.decode(video=0)]
    return [time - times[0] for time in times]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def copied(source: Path, target: Path, **options: Any) -> list[str]:
    """Writes the clip again with unchanged frames. The notes of the Writer."""
    part = {name: options[name] for name in ("start", "end", "rate") if name in options}
    with video.open_clip(source) as clip, video.Writer(target, clip, video.WriteOptions(**options)) as writer:
        for frame in clip.frames(**part):
            writer.add(frame.image[..., :1] if options.get("gray") else frame.image, frame.time)
    return writer.notes


def read(path: Path) -> tuple[video.Clip, list[np.ndarray]]:
    with video.open_clip(path) as clip:
        return clip, [frame.image for frame in clip.frames()]


def see_through(number: int, height: int = 96, width: int = 128) -> np.ndarray:
    """The drawn picture as RGBA: transparent but for a disc with soft edges."""
    down, across = np.mgrid[:height, :width]
    alpha = np.clip(6 * (36 - np.hypot(across - 40 - 2 * number, down - 48)) + 128, 0, 255)
    return np.dstack([picture(number, height, width), alpha.astype(np.uint8)])


def frames(path: Path, **part: Fraction | None) -> list[Frame]:
    with video.open_clip(path) as clip:
        return list(clip.frames(**part))
