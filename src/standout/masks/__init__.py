"""Mask -> better mask: fitted, refined, reduced to one person, filtered over time (with NumPy and OpenCV only)."""
