"""The commands that are no effect: what is bundled, what this machine can do.

To add one: a function that returns the exit code, named in COMMANDS; its docstring is its help.
"""

# Typer looks at these annotations as the program runs, so they must not be turned into strings by a __future__ import.

from collections.abc import Callable
from typing import Annotated

import typer


def models() -> int:
    """List the bundled models: what for, size, input, scores, checksum."""
    from standout.models.registry import DEFAULT, REGISTRY, find
    from standout.runtimes import onnx

    for name, weights in REGISTRY.items():
        path = find(name)
        card = onnx.open(path, threads=1).card
        print(f"{name}  {card.version}{'  (default)' if name == DEFAULT else ''}")
        print(f"  for       {weights.purpose}")
        print(f"  file      {weights.file}, {path.stat().st_size / 1e6:.1f} MB, sha256 {weights.sha256[:12]}")
        print(
            f"  input     {card.size[0]}x{card.size[1]}, encoder {card.encoder}, license {card.license or 'not stated'}"
        )
        scores = ", ".join(f"{source} {score:.3f}" for source, score in card.scores.items())
        print(f"  scores    {scores or 'none on its card'}")
        print(f"  measured  {card.protocol or 'how is not on its card'}")
    return 0


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as one JSON object.")] = False,
) -> int:
    """Check this machine: versions, devices, bundled models; exit code 1 if something is broken."""
    from standout.cli.doctor import examine

    findings = examine()
    print(findings.to_json() if as_json else findings.to_text())
    return 1 if findings.broken else 0


COMMANDS: tuple[Callable[..., int], ...] = (models, doctor)
