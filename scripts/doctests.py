"""A Griffe extension: the examples in docstrings become code blocks in the reference.

Markdown takes lines that begin with >>> for nested quotes, so each run of them, with the output below, gets a fence.
mkdocs.yml names this file.
"""

from __future__ import annotations

from typing import Any

import griffe


class Doctests(griffe.Extension):  # type: ignore[misc, unused-ignore]  # where Griffe is not installed
    """Fences the examples of every docstring that Griffe reads."""

    def on_instance(self, *, obj: Any, **_: Any) -> None:
        """Changes the docstring of an object that was read."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text: str) -> str:
    r"""The text with each example between fences. An example ends at an empty line.

    >>> fenced("Adds.\n\n>>> 1 + 1\n2\n\nMore.")
    'Adds.\n\n```pycon\n>>> 1 + 1\n2\n```\n\nMore.'
    """
    done, inside = list[str](), False
    for line in [*text.split("\n"), ""]:
        if inside and not line.strip():
            done.append("```")
            inside = False
        elif not inside and line.startswith(">>> "):
            done.append("```pycon")
            inside = True
        done.append(line)
    return "\n".join(done[:-1])


if __name__ == "__main__":
    raise SystemExit("zensical loads this file; see mkdocs.yml")
