"""What countries ask of photos for passports and visas: one row a rule, with its source and when it was read.

The rows were taken from published lists that quote the authorities named, not from the authorities' own pages.

To add a rule: a row in RULES. Name the authority and its page, not a shop that sells photos, and the month in which it
was read; where its pages contradict each other, say so in the note. Lengths are in millimeters of the print.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from standout.errors import InputError, unknown

INCH = 25.4


class Range(NamedTuple):
    """From the least to the most, both included."""

    least: float
    most: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.least <= value <= self.most

    @property
    def middle(self) -> float:
        """What is farthest from both ends."""
        return (self.least + self.most) / 2

    def __str__(self) -> str:
        return f"{self.least:g} to {self.most:g}"


ANY_SIZE = Range(0, 10_000)
"""Kilobytes of a file whose size no rule limits."""


@dataclass(frozen=True)
class Rule:
    """A rule. All lengths are in millimeters of a print of width x height.

    head: from the chin to the crown. crown: what its upper end is, the skull or the top of the hair. eyes: their height
    above the lower edge; None where nothing is said. above: from the crown to the upper edge. below: the least from the
    chin to the lower edge. background: the color that replaces the photo's. edits: whether a background that was
    replaced is allowed as far as the source says; False where it refuses edited photos. dpi: of the file where its size
    is free. pixels: the least width and height of a file. square_most: of a file's side. kilobytes: of a file.
    """

    name: str
    title: str
    width: float
    height: float
    head: Range
    source: str
    read: str
    crown: Literal["skull", "hair"] = "skull"
    eyes: Range | None = None
    above: Range | None = None
    below: float = 0.0
    background: str = "white"
    edits: bool = True
    dpi: int = 600
    pixels: tuple[int, int] = (0, 0)
    kilobytes: Range = ANY_SIZE
    note: str = ""

    @property
    def size(self) -> str:
        """Width and height, as people write it."""
        return f"{self.width:g} x {self.height:g} mm"


def _percent(height: float, least: float, most: float) -> Range:
    """A range that is told in percent of the photo's height."""
    return Range(round(height * least / 100, 2), round(height * most / 100, 2))


LIGHT_GRAY = "#ebebeb"
_READ = "October 2026"

_ROWS = (
    Rule(
        "schengen", "Schengen visa; passports and identity cards of Germany, France and others", 35, 45, Range(32, 36),
        "Bundesdruckerei, Fotomustertafel, after ICAO Doc 9303 (bundesdruckerei-gmbh.de); service-public.gouv.fr",
        _READ, background=LIGHT_GRAY,
        note="Germany and France take photos for their own papers from certified studios and booths alone. The crown "
        "is meant without the hair, and a head of 27 to 40 mm is not refused in Germany.",
    ),
    Rule(
        "uk", "United Kingdom, passport", 35, 45, Range(29, 34), "HM Passport Office, gov.uk/photos-for-passports",
        _READ, background=LIGHT_GRAY, edits=False, pixels=(600, 750), kilobytes=Range(50, 10_000),
        note="Online applications crop the photo themselves, and want it uncropped.",
    ),
    Rule(
        "us", "United States, passport and visa", 2 * INCH, 2 * INCH, _percent(2 * INCH, 50, 69),
        "U.S. Department of State, Digital Image Requirements (travel.state.gov)", _READ, crown="hair",
        eyes=_percent(2 * INCH, 56, 69), edits=False, dpi=600, pixels=(600, 600), kilobytes=Range(0, 240),
        note="Files are square, 600 to 1200 pixels.",
    ),
    Rule(
        "canada", "Canada, temporary resident visa", 35, 45, Range(31, 36),
        "Immigration, Refugees and Citizenship Canada, Photograph specifications (canada.ca)", _READ,
    ),
    Rule(
        "canada-passport", "Canada, passport", 50, 70, Range(31, 36),
        "Immigration, Refugees and Citizenship Canada, Passport photos (canada.ca)", _READ, edits=False,
        note="To be taken and printed by a commercial photographer.",
    ),
    Rule(
        "china", "China, visa", 33, 48, Range(28, 33), "Chinese Visa Application Service Center (visaforchina.cn)",
        _READ, crown="hair", above=Range(3, 5), below=7,
        note="The width of the head, 15 to 22 mm, is not measured here.",
    ),
    Rule(
        "brazil", "Brazil, 3 x 4 cm", 30, 40, _percent(40, 70, 80),
        "ICAO Doc 9303: the face takes 70 to 80 % of the height; sizes by the Polícia Federal (gov.br/pf)", _READ,
        note="Papers and consulates differ: 3 x 4 cm, 5 x 7 cm and 2 x 2 inches are all asked for. Ask yours.",
    ),
    Rule(
        "australia", "Australia, passport", 35, 45, Range(32, 36),
        "Australian Passport Office (passports.gov.au/help/passport-photos)", _READ, edits=False,
        note="Prints of 35 to 40 mm by 45 to 50 mm are taken.",
    ),
    Rule(
        "japan", "Japan, passport", 35, 45, Range(32, 36), "Ministry of Foreign Affairs of Japan (mofa.go.jp)", _READ,
        crown="hair", above=Range(2, 6),
    ),
    Rule(
        "india", "India, passport, upload to Passport Seva", 35, 45, _percent(45, 80, 85),
        "Ministry of External Affairs, Guidelines for ICAO Compliant Photographs (passportindia.gov.in)", _READ,
        dpi=457, pixels=(630, 810), kilobytes=Range(0, 250),
        note="Asked for as a file of 630 x 810 pixels; some missions abroad want 2 x 2 inches.",
    ),
)  # fmt: skip

RULES: dict[str, Rule] = {rule.name: rule for rule in _ROWS}


def find(name: str) -> Rule:
    """The rule of that name. Raises InputError for another one."""
    if name not in RULES:
        raise InputError(unknown("rule", name, RULES))
    return RULES[name]
