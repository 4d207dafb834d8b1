"""A folder of photos and masks -> pairs, checked and split without leaks. No torch here."""

from standout.data.layouts import find_pairs, find_splits
from standout.data.pairs import IGNORE, Pair, fingerprint, in_bytes, read_label, read_pair

__all__ = ["IGNORE", "Pair", "find_pairs", "find_splits", "fingerprint", "in_bytes", "read_label", "read_pair"]
