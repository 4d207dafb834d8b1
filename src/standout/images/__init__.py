"""Pictures in and out: the only room that knows Pillow.

    decode           file, bytes or PIL image -> Photo        read
    encode           picture -> file or bytes                 write, encode, WRITERS
    colors           any mode -> RGB, alpha, profile          parse_color, color_for, background_for, in_srgb
    depth            8 and 16 bits a channel
    profiles         ICC profiles: read, built and applied
    color_tags       the colors of files without a profile -> a profile
    photo_array      pictures with their photo's metadata     PhotoArray, remembering, meta_of
    metadata         EXIF block and dots per inch, as the file has them
    exif             EXIF blocks, changed in place
    png_chunks       PNG: the chunks beside the pixels
    jpeg_segments    JPEG: segments that Pillow cannot read
    heif_boxes       AVIF and HEIC: the boxes beside the pixels
    png_tiff         PNG and TIFF files, written with 8 or 16 bits
    mask             mask file -> label or alpha              read_mask, read_alpha
    mask_levels      what the values of a mask mean
    mask_values      the values of a mask as its file has them    Classes

To add a format: see decode.py (in) and encode.py (out).
"""

from standout.images.colors import background_for, color_for, in_srgb, parse_color
from standout.images.decode import MAX_PIXELS, READABLE, read
from standout.images.encode import WRITERS, ImageFormat, Policy, encode, to_pillow, write
from standout.images.mask import read_alpha, read_mask
from standout.images.mask_values import Classes
from standout.images.photo_array import PhotoArray, meta_of, remembering

__all__ = [
    "MAX_PIXELS",
    "READABLE",
    "WRITERS",
    "Classes",
    "ImageFormat",
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
