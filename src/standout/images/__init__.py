"""Pictures in and out: the only room that knows Pillow.

    decode     file, bytes or PIL image -> Photo        read
    encode     picture -> file or bytes                 write, encode, WRITERS
    colors     any mode -> RGB, alpha, profile          parse_color
    exif       EXIF blocks, changed in place
    lossless   PNG and TIFF, 8 and 16 bits
    mask       mask file -> label or alpha              read_mask, read_alpha
    levels     what the values of a mask mean
    stored     a mask's values as its file has them     Classes

To add a format: see decode.py (in) and encode.py (out).
"""

from standout.images.colors import parse_color
from standout.images.decode import MAX_PIXELS, READABLE, read
from standout.images.encode import WRITERS, Codec, Policy, encode, to_pillow, write
from standout.images.mask import read_alpha, read_mask
from standout.images.stored import Classes

__all__ = [
    "MAX_PIXELS",
    "READABLE",
    "WRITERS",
    "Classes",
    "Codec",
    "Policy",
    "encode",
    "parse_color",
    "read",
    "read_alpha",
    "read_mask",
    "to_pillow",
    "write",
]
