"""Pictures, one after another -> a video file, whole or not at all.

writer       the way in: it opens the right kind of file for the suffix; options: how the file is to be written
encoder      pictures -> packets
muxer        .mp4 .mov .mkv .webm, through FFmpeg
tracks       the clip's sound, subtitles, chapters and tags -> the file; track: one of them
copyable     whether a container holds a track without re-encoding it
animation    .gif .webp and folders of PNGs; palette: the 256 colors of a GIF
chunked      a file in chunks that stay on the disk, so that the work can go on later; chunk_store: those chunks
"""
