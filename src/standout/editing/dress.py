"""What is drawn about the people, between them and what is behind them."""

from __future__ import annotations

from dataclasses import dataclass

from standout.editing.part import EditPart


@dataclass(frozen=True)
class Dress(EditPart):
    """What is drawn about the people: nothing."""
