"""The ledger of a run: a file that gets one line of JSON for each result."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from standout.errors import OutputError

_NO_LEDGER = "it is another kind of file, no ledger"


@dataclass(frozen=True)
class Result:
    """What became of one task.

    width, height (pixels) and person_share (0..1) are known for tasks that are done; frames and flicker for clips;
    confidence, nobody and least_confidence (0..1, as photo.Outcome has them) where the model can tell them; audit where
    people were hidden (audit.py).

    target: None for a file that was passed over, or that could not even be begun. error: why it failed or was skipped.
    """

    source: Path
    target: Path | None
    status: Literal["done", "kept", "failed", "skipped"]
    seconds: float = 0.0
    width: int | None = None
    height: int | None = None
    person_share: float | None = None
    warnings: tuple[str, ...] = ()
    frames: int | None = None
    flicker_before: float | None = None
    flicker_after: float | None = None
    confidence: float | None = None
    nobody: float | None = None
    least_confidence: float | None = None
    audit: dict[str, Any] | None = None
    error: str | None = None

    def to_json(self) -> str:
        """The result as one line of JSON, in ASCII, so that no file name and no terminal can break it.

        >>> Result(Path("a.jpg"), Path("a-cut.png"), "kept").to_json()[:68]
        '{"source": "a.jpg", "target": "a-cut.png", "status": "kept", "second'
        """
        fields = asdict(self) | {"source": str(self.source), "target": self.target and str(self.target)}
        fields["seconds"] = round(self.seconds, 3)
        fields["person_share"] = self.person_share and round(self.person_share, 5)
        for name in ("flicker_before", "flicker_after", "confidence", "nobody", "least_confidence"):
            fields[name] = fields[name] and round(fields[name], 3)
        return json.dumps(fields)


class Ledger:
    """A file with a line of JSON for each result, on disk as soon as it is known.

    It is appended to, so that a run that goes on after an interruption goes on here too; a file kept or skipped is not
    told again, and the last line about a file counts.

    Raises OutputError when there is a file that is no ledger, or when it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._told: set[tuple[str, str]] = set()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            earlier = path.is_file()  # and no device or pipe, which may never end
            self._file = path.open("a+" if earlier else "a", encoding="ascii")
            with ExitStack() as on_error:
                on_error.callback(self._file.close)
                if earlier:
                    self._file.seek(0)
                    if not self._read(self._file):  # the machine went down in the middle of a line
                        self._file.write("\n")
                on_error.pop_all()
        except UnicodeDecodeError:
            raise self._refused(ValueError(_NO_LEDGER)) from None
        except (OSError, ValueError) as error:
            raise self._refused(error) from None

    def _read(self, lines: Iterable[str]) -> bool:
        """Reads the lines of earlier runs; False where the last line is not complete."""
        line = "\n"
        for number, line in enumerate(lines):
            try:
                fields = json.loads(line)
                if fields["status"] != "failed":
                    self._told.add(_key(fields))
            except (ValueError, KeyError, TypeError):
                if number == 0 and line.endswith("\n"):
                    raise ValueError(_NO_LEDGER) from None
        return line.endswith("\n")

    def add(self, result: Result) -> None:
        """Writes one more line, unless the file is kept or skipped and has its line already."""
        text = result.to_json()
        if result.status in ("kept", "skipped") and _key(json.loads(text)) in self._told:
            return
        try:
            self._file.write(text + "\n")
            self._file.flush()
        except (OSError, ValueError) as error:
            raise self._refused(error) from None

    def _refused(self, error: Exception) -> OutputError:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return OutputError(f"report {self.path} cannot be written ({reason}); give another file to --report")

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        except OSError as late:
            raise self._refused(late) from None


def _key(fields: dict[str, Any]) -> tuple[str, str]:
    """What a line is about: the target, or the source where there is no target."""
    return ("target", fields["target"]) if fields["target"] is not None else ("source", fields["source"])
