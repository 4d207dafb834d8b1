"""A folder of photos and masks -> pairs, checked, and split into parts without leaks. This room needs no torch."""

from standout.data.layouts import find_pairs, find_splits
from standout.data.pairs import IGNORE, Pair, fingerprint, in_bytes, read_label, read_pair

__all__ = ["IGNORE", "Pair", "find_pairs", "find_splits", "fingerprint", "in_bytes", "read_label", "read_pair"]
