"""The codes of the API's errors, each with the title by which clients may know it."""

from __future__ import annotations

from http import HTTPStatus

from standout.serve.refusals import Refusal

_SOURCES = "Please provide either the image_url, image_file or image_file_b64 parameter."
_BACKGROUNDS = "Please provide either the bg_color, the bg_image_url or the bg_image_file parameter."

TITLES = {
    "missing_source": "No image given",
    "multiple_sources": f"Multiple image sources given: {_SOURCES}",
    "invalid_image_url": "Invalid image_url: Please provide a valid URL.",
    "failed_image_download": "Failed to download image from given image_url",
    "invalid_file_type": "Invalid file type",
    "file_too_large": "File too large",
    "resolution_too_high": "Image resolution too high",
    "failed_to_read_image": "There was an error reading the image.",
    "invalid_dimensions": "Failed to read image dimensions",
    "invalid_size": "Invalid value for parameter 'size'",
    "invalid_format": "Invalid format parameter given",
    "invalid_channels": "Invalid value for parameter 'channels'",
    "invalid_bg_color": "Invalid bg_color parameter given",
    "invalid_bg_image_url": "Invalid bg_image_url: Please provide a valid URL.",
    "failed_bg_download": "Failed to download background image from given bg_image_url",
    "multiple_bg_sources": f"Multiple background sources given: {_BACKGROUNDS}",
    "invalid_crop_margin": "Invalid crop_margin parameter given",
    "invalid_scale": "Invalid scale parameter given",
    "invalid_position": "Invalid position parameter given",
    "invalid_roi": "Invalid roi parameter given",
    "roi_region_empty": "ROI region is empty",
    "roi_exceeds_bounds": "ROI exceeds image bounds",
    "invalid_semitransparency": "Invalid semitransparency parameter given",
    "unknown_foreground": "Could not identify foreground in image.",
    "invalid_parameter": "Invalid value for a parameter",
}
"""Code -> title. invalid_parameter is for fields that have no code of their own."""


def refused(code: str, detail: str) -> Refusal:
    """The refusal (400) of that code."""
    return Refusal(HTTPStatus.BAD_REQUEST, code, title=TITLES[code], detail=detail)
