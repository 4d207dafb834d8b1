"""What clients may send as a job, and how everything else is refused without a trace."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

import standout
from standout.errors import InputError, StandoutError, TooLarge, UnreadableImage, UnreadableVideo
from standout.images import WRITERS
from standout.serve.app import create
from standout.serve.jobs import names
from standout.serve.jobs.check import FOLDER, checked
from standout.serve.jobs.order import GivenFile, JobOrder, JobPlan
from standout.serve.jobs.settings import JobSettings
from standout.serve.settings import ServerSettings
from standout.video import CONTAINERS
from tests.serve.conftest import HOST, Bright, code, drawn, http_scope
from tests.video.drawn import Made, make, picture

SOURCE = str(Path(standout.__file__).parent.parent)
BLUR = {"effect": {"name": "blur"}}
Ordered = Callable[..., JobOrder]


@pytest.fixture
def ordered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ordered:
    """(Name -> content, fields of JobOrder and JobSettings) -> the order, in the working folder of a job."""
    monkeypatch.chdir(tmp_path)
    Path("upload").mkdir()

    def order(
        files: dict[str, bytes], edit: Any = None, *, background: tuple[str, bytes] | None = None, **more: Any
    ) -> JobOrder:
        given = []
        for number, (name, data) in enumerate(files.items()):
            Path("upload", str(number)).write_bytes(data)
            given.append(GivenFile(f"upload/{number}", name))
        behind = None
        if background is not None:
            Path("upload/b").write_bytes(background[1])
            behind = GivenFile("upload/b", background[0])
        limits = {name: more.pop(name) for name in list(more) if name in JobSettings.__dataclass_fields__}
        known = {"most_photo_bytes": 2**20, "most_pixels": 10**6} | more
        return JobOrder(tuple(given), edit or BLUR, JobSettings(**limits), behind, **known)

    return order


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make(tmp_path_factory.mktemp("clip") / "c.mp4").read_bytes()


def packed(files: dict[str, bytes], **more: Any) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, **more) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def refused(order: JobOrder, kind: type[StandoutError], said: str) -> None:
    shown: dict[str, str] = {}
    with pytest.raises(kind, match=said) as caught:
        checked(order, shown)
    assert str(Path.cwd()) not in str(caught.value)


def test_a_clip(ordered: Ordered, clip: bytes) -> None:
    plan = checked(ordered({"me/../my clip.MP4": clip}), {})
    assert plan.is_single and plan.total == 30
    assert (plan.name, plan.media_type, plan.target) == ("my clip-blur.mp4", "video/mp4", "out/0001.mp4")
    assert Path(plan.files[0].source).read_bytes() == clip and plan.files[0].source == "in/0001.mp4"


def test_content_and_not_the_name_says_what_a_file_is(ordered: Ordered, clip: bytes) -> None:
    plan = checked(ordered({"a.mp4": drawn("JPEG"), "b.jpg": clip, "c": drawn(), "d.gif": drawn("GIF")}), {})
    assert [one.source for one in plan.files] == ["in/0001.jpg", "in/0002.mp4", "in/0003.png", "in/0004.gif"]
    assert [one.frames for one in plan.files] == [1, 30, 1, 1] and plan.total == 4
    assert [one.result for one in plan.files] == ["a-blur.jpg", "b-blur.mp4", "c-blur.png", "d-blur.png"]
    assert (plan.target, plan.name, plan.media_type) == ("result.zip", "standout-blur.zip", "application/zip")


def test_a_zip_of_photos(ordered: Ordered) -> None:
    inside = {
        "holiday/one.jpg": drawn("JPEG"), "holiday/deep/two.png": drawn(), "../../../etc/three.jpg": drawn("JPEG"),
        "/root/four.jpg": drawn("JPEG"), "C:\\five.jpg": drawn("JPEG"), "notes.txt": b"text", "empty/": b"",
        "__MACOSX/._one.jpg": b"mac", ".hidden.jpg": b"mac",
    }  # fmt: skip
    plan = checked(ordered({"trip.zip": packed(inside)}), {})
    wanted = ["holiday/one", "holiday/deep/two", "etc/three", "root/four", "C_/five"]
    assert [one.result.rpartition("-")[0] for one in plan.files] == wanted
    assert plan.name == "trip-blur.zip" and plan.left_out == ("notes.txt",)
    written = {path.relative_to(Path.cwd()).as_posix() for path in Path.cwd().rglob("*") if path.is_file()}
    assert written == {f"in/000{n}.{kind}" for n, kind in enumerate(("jpg", "png", "jpg", "jpg", "jpg"), 1)}


def test_a_zip_with_one_photo_stays_a_zip(ordered: Ordered) -> None:
    plan = checked(ordered({"a.zip": packed({"one.png": drawn()})}), {})
    assert not plan.is_single and plan.target == "result.zip"


def link() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        entry = zipfile.ZipInfo("one.jpg")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    return data.getvalue()


def encrypted() -> bytes:
    data = bytearray(packed({"one.png": drawn()}))
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + place] |= 1
    return bytes(data)


def lying() -> bytes:
    """A ZIP file that says its photo unpacks to a few bytes."""
    data = bytearray(packed({"one.png": bytes(3_000_000)}))
    for signature, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(signature) + place
        data[at : at + 4] = (50).to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (packed({"one.png": bytes(30_000_000)}), "unpacks to more than 2,000,000 bytes"),
        (packed({f"{n}.png": bytes(300_000) for n in range(9)}), "unpacks to more than 2,000,000 bytes"),
        (lying(), "damaged or unusual ZIP file|is not a picture|starts with|unpacks to more|is not a video"),
        (packed({f"{n}.png": b"" for n in range(11)}), "holds 11 files, wanted at most 10"),
        (link(), "a.zip holds a link, one.jpg; pack the file"),
        (encrypted(), "a.zip is encrypted"),
        (packed({"notes.txt": b"text"}), "a.zip holds only notes.txt"),
        (packed({}), "a.zip holds nothing"),
        (packed({"one.png": drawn()})[:-30], "a.zip is a damaged or unusual ZIP file"),
        (packed({"one.jpg": packed({"two.jpg": drawn()})}), "one.jpg|not a video"),
        (packed({"one.png": b""}), "one.png is empty"),
    ],
)
def test_bad_zips(ordered: Ordered, data: bytes, said: str) -> None:
    refused(ordered({"a.zip": data}, most_bytes=2_000_000, most_files=10), InputError, said)


@pytest.mark.parametrize(
    ("name", "data", "kind", "said"),
    [
        ("a.mp4", b"this is a text, and no clip at all", UnreadableVideo, "is not a video"),
        ("a.m3u8", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", UnreadableVideo, "is not a video"),
        ("a.mp4", b"ffconcat version 1.0\nfile /etc/passwd\n", UnreadableVideo, "is not a video"),
        ("a.mp4", b"", InputError, "a.mp4 is empty"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + b"x" * 50, UnreadableImage, "a.png is damaged"),
        ("a.jpg", drawn("JPEG", quality=100) + bytes(2**20), InputError, "wanted at most 1,048,576 for a photo"),
    ],
)
def test_bad_files(ordered: Ordered, name: str, data: bytes, kind: type[StandoutError], said: str) -> None:
    refused(ordered({name: data}), kind, said)


def test_sizes_are_known_before_anything_is_decoded(ordered: Ordered, clip: bytes) -> None:
    for limits, files, said in (
        ({"most_pixels": 59_999}, {"a.png": drawn()}, "a.png has 300x200 pixels, wanted at most"),
        ({"most_frame_pixels": 12_287}, {"a.mp4": clip}, "128x96 pixels, wanted at most"),
    ):
        refused(ordered(files, **limits), TooLarge, said)
    for limits, said in (
        ({"most_frames": 29}, "a.mp4 has 30 frames, wanted at most 29"),
        ({"most_seconds": 1}, "lasts 2 s, wanted at most 1 s"),
    ):
        long = make(Path("long.mp4"), Made([picture(n) for n in range(30)], base=Made.base * 2, rate=Made.rate / 2))
        refused(ordered({"a.mp4": long.read_bytes()}, **limits), InputError, said)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"effect": {"name": "blurr"}}, "did you mean 'blur'"),
        ({"effect": {"name": "blur", "strength": "much"}}, "wanted a number"),
        ({"placement": {"crop": True}}, "a.mp4 is a clip, which cannot have crop, for people move"),
        ({"effect": {"name": "replace"}}, "replace needs background"),
        ({"effect": {"name": "replace", "background": "/etc/passwd"}}, "needs the file background; send it"),
        ({"effects": {}}, "did you mean 'effect'"),
        ({"effect": 5}, "effect is 5"),
        ({"effect": {"name": ["blur"]}}, "is not known"),
    ],
)
def test_bad_edits(ordered: Ordered, clip: bytes, edit: Any, said: str) -> None:
    refused(ordered({"a.mp4": clip}, edit), InputError, said)


def test_backgrounds(ordered: Ordered, clip: bytes) -> None:
    replace = {"effect": {"name": "replace"}}
    plan = checked(ordered({"a.mp4": clip}, replace, background=("b.mp4", clip)), {})
    assert plan.background == "in/background.mp4" and plan.name == "a-replace.mp4"
    refused(ordered({"a.png": drawn()}, replace, background=("b.mp4", clip)), InputError, "send a picture as the back")
    refused(ordered({"a.png": drawn()}, replace, background=("b.jpg", b"no")), UnreadableVideo, "is not a video")
    plan = checked(ordered({"a.png": drawn()}, replace, background=("b", drawn("WEBP"))), {})
    assert plan.background == "in/background.webp"


@pytest.mark.parametrize(
    ("format", "said"),
    [("exe", "cannot write"), ("frames", "is a folder, which cannot be sent"), ("png", "holds no clip")],
)
def test_bad_formats(ordered: Ordered, clip: bytes, format: str, said: str) -> None:
    refused(ordered({"a.mp4": clip}, format=format), InputError, said)


def test_every_format_has_a_media_type() -> None:
    assert (WRITERS.keys() | CONTAINERS.keys()) - {FOLDER} <= names.MEDIA_TYPES.keys()


@given(st.lists(st.text(max_size=40), min_size=1, max_size=5))
def test_names_are_safe_and_different(texts: list[str]) -> None:
    from standout.effects import Blur

    paths = [names.safe_path(text) for text in texts]
    for path in (*paths, *map(names.safe, texts)):
        assert path and not path.startswith("/") and not set('\\<>:"|?*\0\r\n') & set(path)
        assert not {"", ".", ".."} & set(path.split("/"))
    called = names.results(paths, [".png"] * len(paths), Blur())
    assert len({one.casefold() for one in called}) == len(called)


@settings(max_examples=60)
@given(st.binary(max_size=300), st.sampled_from(["a.mp4", "a.jpg", "a.zip", "a"]), st.integers(0, 3))
def test_any_bytes_are_refused_with_a_reason(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str, start: int
) -> None:

    folder = tmp_path_factory.mktemp("fuzzed")
    (folder / "upload").mkdir()
    starts = (b"", b"PK\x03\x04", b"\xff\xd8\xff", b"\x1aE\xdf\xa3")
    (folder / "upload/0").write_bytes(starts[start] + data)
    before = Path.cwd()
    os.chdir(folder)
    try:
        order = JobOrder((GivenFile("upload/0", name),), BLUR, JobSettings(), most_photo_bytes=2**20, most_pixels=10**6)
        with pytest.raises(InputError):
            checked(order, {})
    finally:
        os.chdir(before)


def test_orders_and_plans_are_read_as_they_were_written(ordered: Ordered, clip: bytes) -> None:
    order = ordered({"a.mp4": clip}, background=("b", drawn()), most_frames=77)  # which blur does not use
    order.write(Path())
    assert JobOrder.read(Path()) == order
    plan = checked(order, {})
    plan.write(Path())
    assert JobPlan.read(Path()) == plan


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    limits = JobSettings(folder=tmp_path_factory.mktemp("state"), most_bytes=200_000, most_files=3)
    app = create(ServerSettings(workers=1, jobs=limits), Bright())
    with TestClient(app, base_url=HOST, raise_server_exceptions=False) as asked:
        yield asked


@pytest.fixture
def nothing_stays(client: TestClient) -> Iterator[None]:
    """No refused request leaves anything behind, neither on the disk nor in the queue."""
    yield
    jobs = client.app.state.jobs  # type: ignore[attr-defined]
    assert not list((jobs.settings.folder / "jobs").iterdir())
    assert client.get("/v1/jobs").json() == {"jobs": []} and jobs._coming == 0


FORM = {"Content-Type": "multipart/form-data; boundary=x"}
PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'


@pytest.mark.usefixtures("nothing_stays")
@pytest.mark.parametrize(
    ("body", "headers", "status", "said"),
    [
        (PART + b"cut off", FORM, 400, "ended before the form did"),
        (PART + b"cut off\r\n--x", FORM, 400, "ended before the form did"),
        (b"no form at all", FORM, 400, "is not multipart/form-data"),
        (b"", FORM, 400, "ended before the form did"),
        (b"--x--\r\n", FORM, 400, "no file was sent"),
        (PART + b"\r\n--x--", {"Content-Type": "multipart/form-data"}, 400, "wanted multipart/form-data"),
        (b"{}", {"Content-Type": "application/json"}, 400, "wanted multipart/form-data"),
        (PART.replace(b'"file"', b'"photo"') + b"a\r\n--x--", FORM, 400, "has a file 'photo'; wanted file or backg"),
        (PART.replace(b'; filename="a.mp4"', b"") + b"a\r\n--x--", FORM, 400, "file is text; send a file"),
        (PART.replace(b'"file"; filename="a.mp4"', b'"edit"') + b"a" * 70_000 + b"\r\n--x--", FORM, 400, "edit has"),
        (PART + bytes(300_000) + b"\r\n--x--", FORM, 400, "wanted at most 200,000"),
        (PART + b"a text\r\n--x--", FORM, 400, "a.mp4 is not a video"),
        (PART + b"\r\n--x--", FORM, 400, "a.mp4 is empty"),
        ((PART + b"a\r\n") * 15 + b"--x--", FORM, 400, "more than 3 files"),
        (b"--x\r\n" + b"A: b\r\n" * 10_000, FORM, 400, "is not multipart/form-data"),
        (PART + b"a\r\n--x--", FORM | {"Content-Length": "9" * 12}, 400, "999999999999 bytes"),
        (PART + b"a\r\n--x--", FORM | {"Origin": "http://evil.example"}, 403, "evil.example"),
        (PART + b"a\r\n--x--", FORM | {"Host": "evil.example"}, 403, "evil.example"),
    ],
)
def test_bad_bodies(client: TestClient, body: bytes, headers: dict[str, str], status: int, said: str) -> None:
    answer = client.post("/v1/jobs", content=body, headers=headers)
    assert answer.status_code == status and said in answer.json()["errors"][0]["detail"], answer.text


@pytest.mark.usefixtures("nothing_stays")
@pytest.mark.parametrize(
    ("edit", "said"), [("{", "edit is not JSON"), ("[]", "edit is a JSON list"), ("[" * 60_000, "edit is")]
)
def test_an_edit_that_is_no_json(client: TestClient, edit: str, said: str) -> None:
    answer = client.post("/v1/jobs", files={"file": ("a.png", drawn())}, data={"edit": edit})
    assert answer.status_code == 400 and said in answer.json()["errors"][0]["detail"]


@pytest.mark.usefixtures("nothing_stays")
def test_codes_of_what_is_wrong_with_a_file(client: TestClient) -> None:
    for data, wanted in ((b"a text", "invalid_file_type"), (packed({"a": b""}), "bad_request")):
        assert code(client.post("/v1/jobs", files={"file": ("a.mp4", data)})) == wanted


@pytest.mark.usefixtures("nothing_stays")
@pytest.mark.parametrize("ends", ["leaves", "waits"])
def test_clients_that_leave_or_wait_in_the_middle(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    """The body's beginning is on the disk already when the client leaves, or says nothing more."""
    app: Any = client.app
    folder = app.state.jobs.settings.folder / "jobs"
    messages = iter([{"type": "http.request", "body": PART + bytes(2**20), "more_body": True}])
    scope = http_scope("POST", "/v1/jobs", **{"content-type": FORM["Content-Type"]})
    limits = app.state.jobs.settings
    monkeypatch.setattr(app.state.jobs, "settings", JobSettings(folder=limits.folder))

    async def receive() -> dict[str, Any]:
        message = next(messages, None)
        if message is not None:
            return message
        if files:
            raise TimeoutError
        while not (written := [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size]):
            await anyio.sleep(0.01)
        files.extend(path.name for path in written)
        if ends == "waits":
            raise TimeoutError  # what asyncio.timeout raises once the pause is too long
        return {"type": "http.disconnect"}

    files: list[str] = []
    answers: list[Any] = []

    async def send(message: Any) -> None:
        answers.append(message)

    client.portal.call(app, scope, receive, send)  # type: ignore[union-attr]
    assert files == ["1"]
    told = json.loads(b"".join(one.get("body", b"") for one in answers))
    assert told["errors"][0]["code"] == ("bad_request" if ends == "leaves" else "request_timeout")


@pytest.mark.usefixtures("nothing_stays")
def test_a_client_that_leaves_before_its_answer(client: TestClient) -> None:
    """Nobody would ever fetch the result."""
    messages = iter([{"type": "http.request", "body": PART + drawn() + b"\r\n--x--", "more_body": False}])
    answers: list[Any] = []

    async def receive() -> dict[str, Any]:
        return next(messages, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        answers.append(message)

    scope = http_scope("POST", "/v1/jobs", **{"content-type": FORM["Content-Type"]})
    client.portal.call(client.app, scope, receive, send)  # type: ignore[union-attr]
    assert b"the client left" in b"".join(one.get("body", b"") for one in answers)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not hold to this limit")
def test_a_check_cannot_fill_the_memory() -> None:
    code = "from standout.serve.jobs import work; work._limit_memory(2**28); bytearray(2**29)"
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": SOURCE}, stderr=subprocess.PIPE)
    assert b"MemoryError" in done.stderr
