"""A look at what a run of days will do, before it begins: some photos drawn at random, and a page with their results.

Which photos are drawn is decided by the digests of their keys, so the same photos are drawn again as long as none is
done.
"""

from __future__ import annotations

import heapq
import html
from collections import Counter
from collections.abc import Iterable, Sequence

from standout import images
from standout.batch.bulk.ledger import BulkRow
from standout.batch.bulk.shards import digest
from standout.batch.bulk.source import Item
from standout.batch.bulk.storage import Storage
from standout.batch.bulk.work import BulkWork
from standout.batch.previews import side_by_side
from standout.errors import InputError, StandoutError
from standout.support.html import figure, page

SIDE = 260
"""Pixels of each picture on the page."""


def picked(items: Iterable[Item], count: int) -> list[Item]:
    """So many photos of the items, drawn at random; at no time are more of them in memory.

    Raises InputError where the items hold no photo.
    """
    photos = (item for item in items if not (item.is_clip or item.skip or item.fault))
    found = heapq.nsmallest(count, photos, key=lambda item: digest(item.key))
    if not found:
        raise InputError("no photo is left to draw a sample from; leave --sample out")
    return found


def write_sheet(items: Sequence[Item], rows: Sequence[BulkRow], work: BulkWork, place: Storage) -> str:
    """Writes the page with each photo and its result side by side, and returns its address."""
    by_key = {item.key: item for item in items}
    parts = [f"<p>{html.escape(_summed(rows))}</p>"]
    for row in sorted(rows, key=lambda row: (row.status != "failed", row.person_share or 0.0, row.key)):
        parts.append(_shown(by_key[row.key], row, work))
    made = page(f"Sample of {len(rows)} photos", "".join(parts))
    name = f"_sample-{len(rows)}-{digest(''.join(sorted(by_key))).hex()[:8]}.html"
    place.write(name, made, overwrite=True)
    return place.address(name)


def _summed(rows: Sequence[BulkRow]) -> str:
    """What became of them, in a sentence.

    >>> _summed([BulkRow("a", None, "done", warnings=("nobody found",)), BulkRow("b", None, "failed")])
    '1 done, 1 failed; nobody found: 1. Failed ones come first, then those with the fewest people.'
    """
    ended = Counter(row.status for row in rows)
    warned = Counter(warning for row in rows for warning in row.warnings)
    text = ", ".join(f"{count} {status}" for status, count in ended.items())
    notes = "".join(f"; {warning}: {count}" for warning, count in warned.most_common())
    return f"{text}{notes}. Failed ones come first, then those with the fewest people."


def _shown(item: Item, row: BulkRow, work: BulkWork) -> str:
    """The photo and its result, or why there is none, as HTML."""
    if row.status == "failed":
        return f'<p class="error">{html.escape(f"{row.key}: {row.error}")}</p>'
    try:
        before = images.read(item.path or item.read(), max_pixels=work.photos.max_pixels, name=item.address)
        after = images.read(work.target.read(work.name(item.key)), max_pixels=None, name=str(row.target))
    except StandoutError as error:
        return f'<p class="error">{html.escape(str(error))}</p>'
    share = "" if row.person_share is None else f", {100 * row.person_share:.1f}% person"
    notes = "".join(f", {warning}" for warning in row.warnings)
    both = side_by_side(before, after, side=SIDE)
    return figure(both, f"{row.key}{share}{notes}", alt=f"{row.key} and its result")
