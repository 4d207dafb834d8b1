"""Video file -> FFmpeg's container, nothing decoded yet, and the video track to read from it.

    path        Path             .mp4 .mov .mkv .webm .avi ...; recognized by its content, never by its name
    container   InputContainer   the opened file; close it, or use it in a with statement
    track       VideoStream      the moving pictures that a player would show

To add an input format: its FFmpeg name in formats.DEMUXERS, its suffix in formats.READABLE.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.stream import Disposition

from standout.errors import UnreadableVideo
from standout.video.formats import DEMUXERS

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream


def open_container(path: Path) -> InputContainer:
    """The file, opened by FFmpeg. No packet is decoded yet.

    Raises UnreadableVideo, naming the file, where it is missing, a folder, empty, no video or not readable.
    """
    _check_file(path)
    options = {"protocol_whitelist": "file", "format_whitelist": DEMUXERS}
    try:  # the prefix "file:" keeps FFmpeg from taking a name with a colon for a URL
        return av.open(f"file:{path}", mode="r", container_options=options, metadata_errors="replace")
    except PermissionError:
        raise UnreadableVideo(f"{path}: no permission to read it; change its permissions (chmod +r)") from None
    except av.error.ArgumentError:
        raise UnreadableVideo(
            f"{path} is not a video, or it is a kind of file that is not opened (a picture, a playlist); "
            "give an .mp4, .mov, .mkv, .webm or .avi"
        ) from None
    except av.error.InvalidDataError:
        with path.open("rb") as file:
            head = file.read(12)
        raise UnreadableVideo(
            f"{path} is not a video, or a damaged one (it starts with {head!r}); get the file again, or convert it"
        ) from None
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnreadableVideo(f"{path} cannot be read ({reason}); get the file again, or convert it") from error


def main_track(container: InputContainer, path: Path) -> VideoStream:
    """The video track that a player would show: FFmpeg's choice among the tracks that are not a cover picture.

    Raises UnreadableVideo where the file has no such track, or where its codec is unknown.
    """
    moving = [track for track in container.streams.video if not track.disposition & Disposition.attached_pic]
    known = [track for track in moving if track.codec_context is not None]
    if known:
        best = container.streams.best("video")
        return next((track for track in known if best is not None and track.index == best.index), known[0])
    if moving:
        raise UnreadableVideo(
            f"{path}: this build of FFmpeg does not know the codec of its pictures; convert it to .mp4 (H.264)"
        )
    covers = " and a cover picture" if container.streams.video else ""
    holds = f"holds only sound{covers}" if container.streams.audio else "holds no video track"
    raise UnreadableVideo(f"{path} {holds}; give a file with moving pictures")


def video_track(container: InputContainer, path: Path, index: int) -> VideoStream:
    """The video track with this index, in a file that was opened once more.

    Raises UnreadableVideo where it is gone, because the file has changed since it was first opened.
    """
    for track in container.streams.video:
        if track.index == index:
            return track
    raise UnreadableVideo(
        f"{path} has changed since it was opened: it has no video track {index} any more; leave the file alone while "
        "it is read, or get it again"
    )


def _check_file(path: Path) -> None:
    """Raises UnreadableVideo where the path leads to no regular file with content."""
    try:
        if path.is_dir():
            raise UnreadableVideo(f"{path} is a folder; give a video file")
        if not path.exists():
            raise UnreadableVideo(f"{path} does not exist; check the name and the folder")
        if not path.is_file():
            raise UnreadableVideo(f"{path} is a device or a pipe; give a video file")
        if path.stat().st_size == 0:
            raise UnreadableVideo(f"{path} is empty (0 bytes); get the file again")
    except (OSError, ValueError) as error:
        raise UnreadableVideo(f"{path} cannot be read ({error}); check the name and the disk") from error
