"""Pictures, one after another -> a clip's file, whole or not at all.

writer       chooses how, by the file's suffix
muxer        .mp4 .mov .mkv .webm, through FFmpeg; encoder: of its pictures
chunked      the same in chunks, kept on the way; chunk_store: on disk
tracks       the clip's sound, subtitles, chapters and tags, into the file; track: one of them
animation    .gif .webp and a folder of PNGs; palette: 256 colors
copyable     whether a container holds a track as it is: FFmpeg's muxer is asked before the clip is begun
"""
