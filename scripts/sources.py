"""Where the training photos come from, for the models' cards (bundle.py) and for docs/models.md.

To add a source: a row in SOURCES; then put sources_table() between the marks of docs/models.md.
"""

from __future__ import annotations

from typing import NamedTuple


class Source(NamedTuple):
    """Photos of one kind. train, val: how many. maker: who gave them out. license: as its makers tell it."""

    train: int
    val: int
    what: str
    maker: str
    license: str


NONE = "none told"
FLICKR = "photos under the terms of Flickr"
COCO = "Lin et al., 2014: COCO"
SOURCES = {
    "picsart": Source(1148, 100, "selfies and portraits", "PicsArt AI Hackathon, 2018", NONE),
    "eg1800": Source(1232, 100, "portraits", "Shen et al., 2016: EG1800", f"{NONE}; {FLICKR}"),
    "ccp": Source(901, 100, "street fashion, full body", "Yang et al., 2014: Clothing Co-Parsing", NONE),
    "voc": Source(411, 50, "general scenes", "Everingham et al., 2010: PASCAL VOC", f"{NONE}; {FLICKR}"),
    "coco": Source(140, 20, "general scenes, small people", COCO, f"labels CC BY 4.0; {FLICKR}"),
    "empty": Source(1025, 49, "nobody: animals, scenes, objects", "research sets", "not recorded"),
    "cocoval": Source(1126, 150, "general scenes", f"{COCO}, val2017", f"labels CC BY 4.0; {FLICKR}"),
    "cocoweak": Source(450, 0, "general scenes, partly labeled by models", COCO, f"boxes CC BY 4.0; {FLICKR}"),
    "penn": Source(170, 0, "pedestrians", "Wang et al., 2007: Penn-Fudan", NONE),
    "ecssd": Source(135, 0, "people in front", "Yan et al., 2013: ECSSD", NONE),
    "duts": Source(378, 0, "sport, work and play", "Wang et al., 2017: DUTS", "for academic research"),
    "empty3": Source(242, 0, "nobody: what models took for people", "research sets", "not recorded"),
}
"""The photos of ../shared/people; docs/models.md has this table, too."""

DATA = (
    f"{sum(row.train for row in SOURCES.values()):,} photos for research, whose rights are their owners' and which are "
    "not passed on: "
    + "; ".join(f"{name} {row.train:,} ({row.maker}; license: {row.license})" for name, row in SOURCES.items())
    + ". The scores are of this project's own validation photos, not of any data set's official test part. The encoder "
    "started from ImageNet weights (Apache-2.0)."
)
"""What a card says about the training photos."""


def sources_table() -> str:
    """The sources as Markdown."""
    heads = ["source", "to train", "to validate", "what", "from", "license, as told"]
    rows = [
        [f"`{name}`", f"{row.train:,}", str(row.val), row.what, row.maker, row.license] for name, row in SOURCES.items()
    ]
    train, val = sum(row.train for row in SOURCES.values()), sum(row.val for row in SOURCES.values())
    rows.append(["all", f"{train:,}", str(val), "", "", ""])
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows))
