"""Placements by name, for portraits and stickers that go together: a row each.

To add a preset: a row in PRESETS. Its values are those of the options of the same names, which users can give beside
it to change them one by one.
"""

from __future__ import annotations

from standout.lengths import Length, Sides, Size

PRESETS: dict[str, dict[str, object]] = {
    # Team pages and badges: every head has the same height, and all eyes are on one line.
    "portrait": {"canvas": Size(800, 1000), "head": Length(40, "%"), "eyes": Length(40, "%")},
    # Round and square profile pictures: the head is larger, since they are shown small.
    "avatar": {"canvas": Size(512, 512), "head": Length(55, "%"), "eyes": Length(45, "%")},
    # Grids: whoever is found fits into a square, with equal margins.
    "square": {"canvas": Size(1000, 1000), "crop": True, "crop_margin": Sides.of("8%")},
    # Messengers take stickers of 512 x 512 pixels; the margin leaves room for an outline.
    "sticker": {"canvas": Size(512, 512), "crop": True, "crop_margin": Sides.of("6%")},
}
