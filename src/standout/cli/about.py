"""The commands that are no effect: what is bundled, what this machine can do.

To add one: a function that returns the exit code, and a row in COMMANDS of __init__.py. Its docstring is its help.
"""

# Typer looks at these annotations as the program runs, so they must not be turned into strings by a __future__ import.

from typing import Annotated

import typer


def models(
    card: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Print a README of this model for the Hugging Face Hub: a name, or a file."),
    ] = None,
) -> int:
    """List the bundled models: what for, size, input, scores, checksum."""
    if card is not None:
        return _print_readme(card)
    from standout.models.registry import DEFAULT, REGISTRY, find
    from standout.runtimes import onnx

    for name, weights in REGISTRY.items():
        path = find(name)
        its = onnx.open(path, threads=1).card
        print(f"{name}  {its.version}{'  (default)' if name == DEFAULT else ''}")
        print(f"  for       {weights.purpose}")
        print(f"  file      {weights.file}, {path.stat().st_size / 1e6:.1f} MB, sha256 {weights.sha256[:12]}")
        print(f"  input     {its.size[0]}x{its.size[1]}, encoder {its.encoder}, license {its.license or 'not stated'}")
        scores = ", ".join(f"{source} {score:.3f}" for source, score in its.scores.items())
        print(f"  scores    {scores or 'none on its card'}")
        print(f"  measured  {its.protocol or 'how is not on its card'}")
    return 0


def _print_readme(model: str) -> int:
    from standout import runtimes
    from standout.models.hub import readme
    from standout.models.registry import REGISTRY, find

    purpose = REGISTRY[model].purpose if model in REGISTRY else ""
    print(readme(runtimes.open(find(model), threads=1).card, purpose=purpose), end="")
    return 0


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as one JSON object.")] = False,
) -> int:
    """Check this machine: versions, devices, bundled models; exit code 1 if something is broken."""
    from standout.cli.doctor import examine

    findings = examine()
    print(findings.to_json() if as_json else findings.to_text())
    return 1 if findings.broken else 0
