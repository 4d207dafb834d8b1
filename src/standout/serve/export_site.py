"""The page as a static folder, which any web host can serve: everything is computed in the visitor's browser.

    index.html, js/, private/...    what the server serves, with the models and onnxruntime-web
    config.json                     {"server": false, "private": true, ...}
    _headers                        the page's headers, in the form that common hosts of static sites read

Hosts that cannot set headers serve it, too: the security policy then stands in each HTML file, and the network runs on
one thread, as browsers share memory between threads only for pages with the two Cross-Origin headers. All addresses
within the folder are relative, so that it may lie anywhere below a site's root.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

from standout.errors import OutputExists, SetupError
from standout.models.registry import DEFAULT, REGISTRY
from standout.segmenter import Segmenter
from standout.serve import private, site
from standout.support import atomic
from standout.support.version import __version__

MARK = '<meta charset="utf-8">'
"""What each HTML file has, and behind which the policy is put."""


def export(folder: Path, *, model: str = DEFAULT, overwrite: bool = False) -> int:
    """Writes the site into the folder, and returns its size in bytes.

    model: the one that it uses for photos, a bundled one or an ONNX file that standout wrote.

    A new folder appears when it is complete. With overwrite, files of the same names in the folder are replaced one by
    one, and others stay.

    Raises OutputExists where something is at the folder, SetupError where onnxruntime-web is not in the package,
    ModelError for a model that cannot be used, and OutputError where the folder cannot be written.
    """
    if not private.is_available():
        raise SetupError(f"a static site needs onnxruntime-web, which is not in this package; {private.CURE}")
    if model not in REGISTRY:
        Segmenter(model, runtime="onnx", device="cpu")  # raises for what is no model of ours
    contents = dict(_contents(private.models(model)))
    if folder.is_dir() and (overwrite or not any(folder.iterdir())):
        for name, data in contents.items():
            atomic.write_atomic(folder / name, data, overwrite=overwrite)
    elif folder.exists():
        cure = "give --overwrite to replace its files, or another folder" if folder.is_dir() else "give another folder"
        raise OutputExists(f"{folder} exists already; {cure}")
    else:
        part = atomic.part_for(folder, folder=True)
        try:
            for name, data in contents.items():
                (part / name).parent.mkdir(parents=True, exist_ok=True)
                (part / name).write_bytes(data)
            atomic.publish(part, folder)
        finally:
            atomic.discard(part)
    return sum(map(len, contents.values()))


def _contents(models: dict[str, Path]) -> Iterator[tuple[str, bytes]]:
    """Every file of the site: its path in the folder, and its bytes."""
    for path in sorted(site.PAGE.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            name = path.relative_to(site.PAGE).as_posix()
            yield name, _with_policy(path.read_text("utf-8")) if path.suffix == ".html" else path.read_bytes()
    for name, path in models.items():
        yield f"private/models/{name}.onnx", path.read_bytes()
    for name, data in _notices():
        yield f"private/ort/{name}", data
    yield "private/about.json", _json(private.about(models))
    yield "config.json", _json(config())
    yield "_headers", "\n".join(["/*", *(f"  {name}: {value}" for name, value in site.HEADERS.items()), ""]).encode()


def config() -> dict[str, Any]:
    """What the page must know of a site without a server, see site.config."""
    return {"server": False, "private": True, "version": __version__, "key": False, "jobs": False}


def _with_policy(html: str) -> bytes:
    """The HTML file with the page's security policy in it; who may frame a page can be said in a header alone."""
    policy = "; ".join(one for one in site.POLICY.split("; ") if not one.startswith("frame-ancestors"))
    meta = f'{MARK}\n<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
    if MARK not in html:
        raise AssertionError(f"an HTML file of the page has no {MARK}")
    return html.replace(MARK, meta, 1).encode()


def _notices() -> Iterator[tuple[str, bytes]]:
    """The notices of ONNX Runtime's own parts, which its Python package brings."""
    try:
        known = files("onnxruntime") or []
    except PackageNotFoundError:  # another package brings the module, such as onnxruntime-gpu
        return
    for one in known:
        if one.name == "ThirdPartyNotices.txt":
            yield one.name, Path(str(one.locate())).read_bytes()


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=1).encode() + b"\n"
