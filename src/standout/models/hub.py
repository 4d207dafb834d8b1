"""A model's card as the README of a Hugging Face Hub repository: YAML front matter with a model-index, then text.

    card      ModelCard   every figure is the card's own, unrounded in the front matter
    readme    str         Markdown

To add a field of the front matter: a line in _front_matter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from standout.models.card import ModelCard

EMPTY = "empty"
"""The source of a card's scores that holds photos of nobody, whose score is an area, and no Dice."""

HUB_LICENSES = frozenset(
    {"apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0"}
    | {"cc-by-nc-sa-4.0", "gpl-3.0", "lgpl-3.0", "agpl-3.0", "mpl-2.0"}
)
"""The Hub's identifiers of licenses; it calls all others "other" and takes their name beside."""


def readme(card: ModelCard, *, purpose: str = "") -> str:
    """The README. purpose: what the model is made for, in a few words.

    >>> print(readme(ModelCard("mine", "1", "resnet18", (320, 256), scores={"beach": 0.75})).split("# mine")[0])
    ---
    library_name: "standout"
    pipeline_tag: "image-segmentation"
    tags:
    - "person-segmentation"
    - "background-removal"
    model-index:
    - name: "mine"
      results:
      - task:
          type: "image-segmentation"
          name: "Person segmentation"
        dataset:
          type: "beach"
          name: "beach"
        metrics:
        - type: "dice"
          name: "Mean Dice of a photo"
          value: 0.75
    ---
    <BLANKLINE>
    <BLANKLINE>
    """
    front = "\n".join(_front_matter(card))
    return f"---\n{front}\n---\n\n" + "\n".join(_text(card, purpose))


def _front_matter(card: ModelCard) -> Iterator[str]:
    if card.license.lower() in HUB_LICENSES:
        yield f"license: {_yaml(card.license.lower())}"
    elif card.license:
        yield 'license: "other"'
        yield f"license_name: {_yaml(card.license)}"
    yield 'library_name: "standout"'
    yield 'pipeline_tag: "image-segmentation"'
    yield "tags:"
    yield from (f"- {_yaml(tag)}" for tag in ("person-segmentation", "background-removal"))
    if not card.scores:
        return
    yield "model-index:"
    yield f"- name: {_yaml(card.name)}"
    yield "  results:"
    for source, score in card.scores.items():
        kind, name = _metric(source)
        yield "  - task:"
        yield '      type: "image-segmentation"'
        yield '      name: "Person segmentation"'
        yield "    dataset:"
        yield f"      type: {_yaml(source)}"
        yield f"      name: {_yaml(source)}"
        yield "    metrics:"
        yield f"    - type: {_yaml(kind)}"
        yield f"      name: {_yaml(name)}"
        yield f"      value: {_yaml(score)}"


def _metric(source: str) -> tuple[str, str]:
    """What the score of a source is: its identifier and its name."""
    if source == EMPTY:
        return "false-positive-area", "Mean share of people-free photos called person"
    return "dice", "Mean Dice of a photo"


def _yaml(value: str | float) -> str:
    """The value in YAML, of which JSON is a part, but for floats such as 1e-05.

    >>> _yaml("a: b"), _yaml(0.5), _yaml(1e-05)
    ('"a: b"', '0.5', '1.0e-05')
    """
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("e", ".0e") if isinstance(value, float) and "e" in text and "." not in text else text


def _text(card: ModelCard, purpose: str) -> Iterator[str]:
    """What people read, line by line."""
    long, short = card.size
    yield f"# {card.name}"
    yield ""
    yield f"A person segmentation network for standout (`pip install standout`){f', for {purpose}' if purpose else ''}:"
    yield "`standout cut photo.jpg --model FILE`, where FILE is the model file of this repository."
    yield ""
    yield f"- Network: U-Net, encoder `{card.encoder}`, decoder `{card.decoder}`, version {card.version}"
    yield f"- Input: RGB 0..1 at {long}x{short} or {short}x{long}; it normalizes its input itself"
    yield f"- Output: the probability of a person at each pixel; a person from {card.threshold:g}"
    yield f"- License: {card.license or 'not stated'}"
    yield from (
        f"- {title}: {text}"
        for title, text in (
            ("Data", card.data),
            ("Started from", card.base),
            ("Learned from", card.teacher),
            ("sha256 of the weights", card.sha256),
        )
        if text
    )
    if card.scores:
        yield ""
        yield "| photos | measure | score |"
        yield "|---|---|---|"
        yield from (f"| {source} | {_metric(source)[1]} | {score:.4f} |" for source, score in card.scores.items())
        yield ""
        yield f"How measured: {card.protocol or 'not stated'}."
    yield ""
