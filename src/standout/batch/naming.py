"""What results are called: the suffix of a photo's or a clip's result, by what it is and what was asked for.

    suffix   str   in small letters with its dot, ".png"

A clip is a file with a suffix of video.READABLE; all else is a photo.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from standout.effects import Effect
from standout.errors import OutputError
from standout.images import WRITERS
from standout.video import CONTAINERS
from standout.video import READABLE as CLIPS

_INSTEAD = {
    ".gif": ".png",
    **dict.fromkeys((".jpe", ".jfif", ".jfi", ".jif", ".pjpeg", ".pjp", ".jps", ".mpo"), ".jpg"),
    **dict.fromkeys((".heic", ".heif", ".hif", ".heics", ".heifs"), ".jpg"),
    ".avifs": ".avif",
    ".dib": ".bmp",
}
"""Kept suffixes that would lose colors (gif), that few programs open (heic) or know: their results get another one."""

RAW = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq", ".kdc", ".mef", ".mos"}
    | {".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"}
)
"""Suffixes of what cameras record before it is developed; many such files hold a small preview that would be read."""

UNREADABLE = RAW | frozenset(
    {".ai", ".bpg", ".cdr", ".cur", ".dds", ".djvu", ".emf", ".eps", ".exr", ".fits", ".flif", ".hdr", ".icns", ".ico"}
    | {".indd", ".j2c", ".j2k", ".jng", ".jp2", ".jpc", ".jpeg2000", ".jpf", ".jpm", ".jpx", ".jxl", ".jxr", ".ktx"}
    | {".kra", ".pam", ".pbm", ".pcx", ".pdf", ".pgm", ".pnm", ".ppm", ".ps", ".psb", ".psd", ".qoi", ".svg", ".svgz"}
    | {".tga", ".wdp", ".wmf", ".xbm", ".xcf", ".xpm"}
    | {".amv", ".ari", ".bik", ".braw", ".crm", ".dvr-ms", ".flc", ".fli", ".mjpeg", ".mjpg", ".mng", ".nsv", ".r3d"}
    | {".rm", ".rmvb", ".swf", ".wtv", ".y4m", ".yuv"}
)
"""Suffixes of pictures and clips that standout cannot read: where a folder holds such files, they are named."""

_PICTURES = {".gif", ".webp", ".frames"}
"""Containers that a clip's result gets only when asked for."""


def is_clip(path: Path) -> bool:
    """Whether the path names a clip.

    >>> is_clip(Path("a.MP4")), is_clip(Path("a.gif"))
    (True, False)
    """
    return path.suffix.lower() in CLIPS


@dataclass(frozen=True)
class Naming:
    """How results are named.

    ending: put behind a name that stays in its folder, "-cut". default: suffix of photos' results; None keeps the
    photo's. format: the suffix asked for, with or without its dot. alpha: the result has transparency, so the format
    must too.
    """

    ending: str
    default: str | None = None
    format: str | None = None
    alpha: bool = False

    @classmethod
    def of(cls, effect: Effect, *, format: str | None = None) -> Naming:
        """How an effect's results are named. format: the suffix asked for."""
        return cls(f"-{effect.name}", default=effect.suffix, format=format, alpha=effect.is_transparent)

    def asked(self) -> str | None:
        """The suffix asked for, checked. Raises OutputError when it cannot be written."""
        if not self.format:
            return None
        suffix = "." + self.format.lower().removeprefix(".")
        return self.checked(suffix, clip=suffix not in WRITERS and suffix in CONTAINERS)

    def suffix(self, source: Path) -> str:
        """The suffix of the result of source: the one asked for where that is of its kind."""
        asked = self.asked()
        if is_clip(source):
            return asked if asked in CONTAINERS else self._of_clip(source)
        fixed = (asked if asked in WRITERS else None) or self.default
        if fixed:
            return fixed
        kept = _INSTEAD.get(source.suffix.lower(), source.suffix)
        return kept if kept.lower() in WRITERS else ".png"

    def _of_clip(self, source: Path) -> str:
        if self.alpha:
            return ".webm"
        kept = source.suffix.lower()
        return kept if kept in CONTAINERS.keys() - _PICTURES else ".mp4"

    def checked(self, suffix: str, *, clip: bool = False) -> str:
        """The suffix, in small letters.

        Raises OutputError when it cannot be written, or cannot hold the result, and MissingExtra when the package that
        writes it is not installed.
        """
        suffix = suffix.lower()
        holds = {name: one.alpha for name, one in (CONTAINERS if clip else WRITERS).items()}
        if suffix not in holds:
            what = suffix or "a file without a suffix"
            kind = "a clip as " if clip else ""
            raise OutputError(f"cannot write {kind}{what}; choose one of {' '.join(holds)}")
        if self.alpha and not holds[suffix]:
            fit = " ".join(other for other, alpha in holds.items() if alpha)
            raise OutputError(
                f"{suffix} cannot hold the transparency of a cut-out; choose one of {fit}, or give --background COLOR"
            )
        if not clip:
            WRITERS[suffix].check()
        return suffix

    def agreed(self, out: Path, source: Path) -> str:
        """The suffix of the named file out for source, which must be the one asked for if one was."""
        suffix, asked = self.checked(out.suffix, clip=is_clip(source)), self.asked()
        same = asked == suffix or (
            asked in WRITERS and suffix in WRITERS and WRITERS[asked].format == WRITERS[suffix].format
        )
        if asked and not same:
            raise OutputError(
                f"{out} ends in {suffix} but the format asked for is {asked}; make them agree, or drop one"
            )
        return suffix

    def fits(self, sources: list[Path]) -> None:
        """Raises OutputError where the format asked for is of the other kind than all of the sources."""
        asked = self.asked()
        if asked is None or any((asked in CONTAINERS) if is_clip(one) else (asked in WRITERS) for one in sources):
            return
        kind, holds = ("clip", CONTAINERS) if is_clip(sources[0]) else ("photo", WRITERS)
        raise OutputError(
            f"{asked} holds no {kind}, and the inputs name no other kind; choose one of {' '.join(holds)}"
        )
