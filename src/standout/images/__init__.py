"""Pictures in and out: the only room that knows Pillow.

    decode       file, bytes or PIL image -> Photo        read
    encode       picture -> file or bytes                 write, encode, WRITERS
    colors       any mode -> RGB, alpha, profile          parse_color, color_for, background_for, in_srgb
    profiles     ICC profiles read, built, applied
    signals      what files without a profile say of their colors
    remembering  pictures with their photo's metadata     PhotoArray, remembering, meta_of
    beside       EXIF and dots per inch, as files have them
    exif         EXIF blocks, changed in place
    chunks       PNG, what is beside the pixels
    segments     JPEG, what Pillow stumbles over
    boxes        AVIF, what is beside the pixels
    lossless     PNG and TIFF, 8 and 16 bits
    mask         mask file -> label or alpha              read_mask, read_alpha
    levels       what the values of a mask mean
    stored       a mask's values as its file has them     Classes

To add a format: see decode.py (in) and encode.py (out).
"""

from standout.images.colors import background_for, color_for, in_srgb, parse_color
from standout.images.decode import MAX_PIXELS, READABLE, read
from standout.images.encode import WRITERS, Codec, Policy, encode, to_pillow, write
from standout.images.mask import read_alpha, read_mask
from standout.images.remembering import PhotoArray, meta_of, remembering
from standout.images.stored import Classes

__all__ = [
    "MAX_PIXELS",
    "READABLE",
    "WRITERS",
    "Classes",
    "Codec",
    "PhotoArray",
    "Policy",
    "background_for",
    "color_for",
    "encode",
    "in_srgb",
    "meta_of",
    "parse_color",
    "read",
    "read_alpha",
    "read_mask",
    "remembering",
    "to_pillow",
    "write",
]
