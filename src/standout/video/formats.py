"""Which files are read and written: suffixes, codecs, and what else each kind of file holds.

    suffix        opaque (default first)    with alpha    sound                 shape of a pixel
    .mp4          h264 hevc av1 vp9         -             copied or aac         kept
    .mov          h264 hevc prores          prores        copied or aac         kept
    .mkv          h264 hevc av1 vp9         -             copied or opus        kept by h264 and hevc
    .webm         vp9 av1                   vp9           copied or opus        made square
    .webp .gif    webp, gif                 webp, gif     none                  made square
    .frames       png, a folder of them     png           none                  not kept

    quality          100    75 (default)   50    25    1
    h264      crf    12     20             28    36    44
    hevc      crf    15     23             32    40    48
    av1       crf    20     30             39    49    58
    vp9       crf    18     28             38    48    58
    prores    q      3      9              16    22    28
    webp             takes the quality as it is, 1 to 100; gif and png have no such choice

To add a container: a row in CONTAINERS. To add a codec: a row in CODECS, and its name in a container's codecs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from standout.errors import InputError

READABLE = frozenset(
    {".mp4", ".m4v", ".mov", ".qt", ".mj2", ".lrv", ".insv", ".3gp", ".3g2", ".mkv", ".webm", ".avi", ".divx"}
    | {".mpg", ".mpeg", ".mpe", ".m1v", ".m2v", ".m2p", ".vob", ".tod", ".mts", ".m2ts", ".m2t", ".ts", ".trp", ".tp"}
    | {".h264", ".264", ".hevc", ".h265", ".265", ".ivf", ".nut"}
    | {".wmv", ".asf", ".flv", ".f4v", ".ogv", ".ogm", ".mxf", ".dv"}
)
"""Suffixes of the files in a folder that are taken for clips."""

DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,m4v,h264,hevc,asf,flv,ogg,ivf,mxf,dv,nut,gif,apng"
)
"""FFmpeg's names of the formats that are opened. Playlists, which name further files, pictures and text are not among
them, on purpose."""

DEFAULT_QUALITY = 75
"""Of 1 to 100."""


@dataclass(frozen=True)
class Codec:
    """How a video codec is encoded.

    encoder: FFmpeg's name of it. worst, best: the encoder's own number at quality 1 and 100. pixels, alpha_pixels:
    pixel formats of opaque and of transparent pictures. odd: the pixel format for an odd width or height; None where
    the usual one holds them. shapes: the stream itself records the shape of a pixel, so that the container need not.
    least: the smallest width and height, in pixels. options: further options of the encoder.
    """

    encoder: str
    worst: int
    best: int
    pixels: str = "yuv420p"
    odd: str | None = None
    alpha_pixels: str = ""
    shapes: bool = False
    least: int = 1
    options: dict[str, str] = field(default_factory=dict)

    def number(self, quality: int | None) -> int:
        """The encoder's own number for a quality of 1 to 100; None is the default quality.

        Raises InputError for any other quality.

        >>> CODECS["h264"].number(None), CODECS["h264"].number(100)
        (20, 12)
        """
        quality = DEFAULT_QUALITY if quality is None else quality
        if not 1 <= quality <= 100:
            raise InputError(f"quality is {quality}; wanted 1 to 100")
        return round(self.worst + (self.best - self.worst) * (quality - 1) / 99)


CODECS = {
    # H.264 and HEVC crop in whole chroma samples, so 4:2:0 cannot have an odd side, not even in the bitstream, and
    # nearly all players ignore a crop in the container. 4:4:4 keeps the size; browsers, VLC and mpv play it.
    "h264": Codec(
        "libx264",
        44,
        12,
        odd="yuv444p",
        shapes=True,
        # Half of the usual lookahead takes 60 MB less memory at 1080p, for files of the same size. With the macroblock
        # tree, "superfast" makes files as small as those of "veryfast" in half of the time, at 0.15 dB less.
        options={
            "preset": "superfast",
            "x264-params": "rc-lookahead=5:sync-lookahead=0:mbtree=1:b-adapt=0",
        },
    ),
    "hevc": Codec("libx265", 48, 15, odd="yuv444p", shapes=True, least=16, options={"preset": "ultrafast"}),
    # the makers of SVT-AV1 warn of artifacts from preset 10 on
    "av1": Codec("libsvtav1", 58, 20, least=64, options={"preset": "9"}),
    "vp9": Codec(
        "libvpx-vp9",
        58,
        18,
        alpha_pixels="yuva420p",
        # A lookahead would hold 25 frames, twice where there is alpha, and makes files of this deadline 1 % smaller.
        options={
            "deadline": "realtime",
            "cpu-used": "6",
            "row-mt": "1",
            "tile-columns": "2",
            "lag-in-frames": "0",
        },
    ),
    "prores": Codec(
        "prores_ks",
        28,
        3,
        pixels="yuv444p10le",
        alpha_pixels="yuva444p10le",
        shapes=True,
        options={"profile": "4444", "alpha_bits": "8", "vendor": "apl0"},
    ),
}
"""The codecs that FFmpeg's muxers take."""

ANIMATED = frozenset({"gif", "webp", "png"})
"""The codecs that animation.py writes."""


@dataclass(frozen=True)
class Container:
    """What a kind of file holds.

    format: FFmpeg's muxer; "" where animation.py writes the file. codecs: of the pictures, the default first.
    see_through: the codec that keeps transparency, or None. sound, subtitles: codecs that are copied bit for bit.
    new_sound: the codec that other sound is re-encoded to. text: the codec that other text subtitles become. shapes:
    it records the shape of a pixel. edits: it has an edit list, so tracks may start before time 0, and players skip
    that part.
    """

    format: str
    codecs: tuple[str, ...]
    see_through: str | None = None
    sound: frozenset[str] = frozenset()
    new_sound: str = ""
    subtitles: frozenset[str] = frozenset()
    text: str = ""
    shapes: bool = False
    edits: bool = False

    @property
    def alpha(self) -> bool:
        """Whether it keeps transparency."""
        return self.see_through is not None

    def keeps_pixel_shape(self, codec: str) -> bool:
        """Whether the shape of a pixel can be recorded, by the container or by the codec's own stream."""
        return self.shapes or (codec in CODECS and CODECS[codec].shapes)


_MP4_SOUND = frozenset({"aac", "mp3", "mp2", "ac3", "eac3", "dts", "alac"})
_BIG_ENDIAN = frozenset({"pcm_s16be", "pcm_s24be", "pcm_s32be"})
_PCM = _BIG_ENDIAN | {
    "pcm_s16le",
    "pcm_s24le",
    "pcm_s32le",
    "pcm_f32le",
    "pcm_f64le",
    "pcm_u8",
    "pcm_alaw",
    "pcm_mulaw",
}

CONTAINERS = {
    ".mp4": Container(
        "mp4",
        ("h264", "hevc", "av1", "vp9"),
        sound=_MP4_SOUND | {"opus", "flac"},
        new_sound="aac",
        subtitles=frozenset({"mov_text"}),
        text="mov_text",
        shapes=True,
        edits=True,
    ),
    ".mov": Container(
        "mov",
        ("h264", "hevc", "prores"),
        see_through="prores",
        sound=_MP4_SOUND | _PCM,
        new_sound="aac",
        subtitles=frozenset({"mov_text"}),
        text="mov_text",
        shapes=True,
        edits=True,
    ),
    ".mkv": Container(
        "matroska",
        ("h264", "hevc", "av1", "vp9"),
        sound=_MP4_SOUND | (_PCM - _BIG_ENDIAN) | {"opus", "vorbis", "flac", "truehd", "wavpack"},
        new_sound="opus",
        subtitles=frozenset({"subrip", "ass", "webvtt", "hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle"}),
        text="subrip",
    ),
    ".webm": Container(
        "webm",
        ("vp9", "av1"),
        see_through="vp9",
        sound=frozenset({"opus", "vorbis"}),
        new_sound="opus",
        subtitles=frozenset({"webvtt"}),
    ),
    ".webp": Container("", ("webp",), see_through="webp"),
    ".gif": Container("", ("gif",), see_through="gif"),
    ".frames": Container("", ("png",), see_through="png", shapes=True),
}
"""Suffix -> what such a file holds. ".frames", or no suffix at all, is a folder of PNGs."""
