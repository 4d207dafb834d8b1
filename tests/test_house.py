"""What the code of the whole package keeps to: budgets of size, one name for one class, and one spelling.

EXCEPTIONS names what does not keep to it yet. It only shrinks: an entry that is no longer needed fails the test.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import standout

PACKAGE = Path(standout.__file__).parent
TESTS = Path(__file__).parent

MOST_LINES, MOST_FUNCTION_LINES, MOST_PARAMETERS = 350, 70, 7

BRITISH = re.compile(r"colour|grey|neighbour|centre|behaviour|favour|licence|[a-z](normalis|optimis|initialis)e", re.I)
"""Identifiers are spelled as in American English, as those of Python and of the libraries are."""

EXCEPTIONS: set[str] = set()


def findings(sources: dict[str, str]) -> dict[str, str]:
    """What in the sources, by file, does not keep to the rules: a name for it, and the details."""
    found: dict[str, str] = {}
    classes: defaultdict[str, list[str]] = defaultdict(list)
    for file, source in sources.items():
        tree = ast.parse(source)
        if (lines := len(source.splitlines())) > MOST_LINES:
            found[f"{file}: lines"] = f"it has {lines} lines; wanted at most {MOST_LINES}"
        if british := sorted({name for name in names(tree) if BRITISH.search(name)}):
            found[f"{file}: spelling"] = f"write {', '.join(british)} as Americans do"
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                classes[node.name].append(file)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.update({f"{file}: {what} of {node.name}": why for what, why in about(node)})
    for name, files in classes.items():
        if len(files) > 1:
            found[f"two classes are called {name}"] = f"in {', '.join(files)}; give each a name of its own"
    return found


def about(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, str]]:
    """What of a function does not keep to the rules, and why."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if lines > MOST_FUNCTION_LINES:
        yield "lines", f"it has {lines} lines; wanted at most {MOST_FUNCTION_LINES}"
    given = function.args
    count = len([one for one in (*given.posonlyargs, *given.args, *given.kwonlyargs) if one.arg not in ("self", "cls")])
    if count + bool(given.vararg) > MOST_PARAMETERS:
        yield "parameters", f"it has {count}; wanted at most {MOST_PARAMETERS}"
    dictated = function.name.startswith("__") and function.name != "__init__"  # by Python, or by NumPy's protocols
    if given.kwarg and not dictated:
        yield "keywords", f"it takes **{given.kwarg.arg}; name its parameters"


def names(tree: ast.AST) -> Iterator[str]:
    """All identifiers of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg | ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.alias):
            yield from filter(None, (node.name, node.asname))


def test_the_package_keeps_to_its_rules() -> None:
    sources = {path.relative_to(PACKAGE).as_posix(): path.read_text("utf-8") for path in PACKAGE.rglob("*.py")}
    assert len(sources) > 100, "these are not the package's files"
    found = findings(dict(sorted(sources.items())))
    news = [f"{what}: {why}" for what, why in found.items() if what not in EXCEPTIONS]
    assert not news, "\n".join(news)
    mended = EXCEPTIONS - found.keys()
    assert not mended, f"these keep to the rules now; take them out of EXCEPTIONS: {sorted(mended)}"


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("x = 1\n" * 351, "a.py: lines"),
        ("def f():\n" + "    x = 1\n" * 70, "a.py: lines of f"),
        ("class A:\n    async def f(self, a, b, c, /, d, *, e, f, g, h): ...", "a.py: parameters of f"),
        ("def f(a, b, c, d, e, f, g, *rest): ...", "a.py: parameters of f"),
        ("class A:\n    def __init__(self, **more): ...", "a.py: keywords of __init__"),
        ("class A: ...\ndef f():\n    class A: ...", "two classes are called A"),
        ("def f(colour): ...", "a.py: spelling"),
        ("x = f(grey=1)", "a.py: spelling"),
        ("x.neighbours = 1", "a.py: spelling"),
        ("from b import centre_of as middle", "a.py: spelling"),
    ],
)
def test_what_breaks_a_rule_is_found(source: str, what: str) -> None:
    assert list(findings({"a.py": source})) == [what]


def test_what_keeps_to_the_rules_is_left_alone() -> None:
    dictated = "class A:\n    def __array_ufunc__(self, a, **more): ..."
    seven = "class B:\n    def f(self, a, b, c, d, e, f, *g): ..."
    fields = "class C:\n" + "\n".join(f"    field_{n}: int" for n in range(9))
    others = "x = 'the colour grey'  # of the neighbours"
    full = "def f():\n" + "    x = 1\n" * 69
    assert findings({"a.py": dictated, "b.py": seven, "c.py": fields, "d.py": others, "e.py": full}) == {}
    assert findings({"a.py": "class A: ...", "b/a.py": "class A: ..."}).keys() == {"two classes are called A"}


def test_the_tests_mirror_the_package() -> None:
    rooms, tested = ({path.parent.name for path in folder.glob("*/__init__.py")} for folder in (PACKAGE, TESTS))
    assert tested == rooms, "each folder of tests/ is called like the folder of the package that it tests"
