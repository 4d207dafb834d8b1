"""Mask -> better mask: fitted to the network and back, refined, chosen, steadied over time (NumPy and OpenCV alone)."""
