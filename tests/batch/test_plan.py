import errno
import os
import socket
import sys
from pathlib import Path

import pytest

from standout.batch.naming import Naming
from standout.batch.plan import STREAM, Task, plan
from standout.errors import InputError, MissingExtra, OutputError

CUT = Naming("-cut", default=".png", alpha=True)
BLUR = Naming("-blur")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"x")


def targets(tasks: list[Task]) -> dict[str, str]:
    return {task.source.as_posix(): task.target.as_posix() for task in tasks}


@pytest.mark.parametrize(
    ("naming", "source", "target"),
    [
        (CUT, "a.jpg", "a-cut.png"),
        (CUT, "dir/a.b.JPG", "dir/a.b-cut.png"),
        (BLUR, "a.jpg", "a-blur.jpg"),
        (BLUR, "IMG_1.JPG", "IMG_1-blur.JPG"),
        (BLUR, "a.gif", "a-blur.png"),
        (BLUR, "a.heic", "a-blur.jpg"),
        (BLUR, "scan", "scan-blur.png"),
        (Naming("-blur", format="webp"), "a.jpg", "a-blur.webp"),
        (Naming("-blur", format=".TIFF"), "a.jpg", "a-blur.tiff"),
    ],
)
def test_a_photo_keeps_its_folder_and_gets_an_ending(here: Path, naming: Naming, source: str, target: str) -> None:
    make(source)
    (task,) = plan([source], naming=naming)
    assert targets([task]) == {source: target}
    assert task.suffix == Path(target).suffix.lower()


def test_a_folder_goes_to_a_folder_beside_it(here: Path) -> None:
    make("pics/b.jpg", "pics/a.png", "pics/notes.txt", "pics/.hidden.jpg", "pics/.a.png.12-ab.part", "pics/sub/c.jpg")
    assert targets(plan(["pics"], naming=CUT)) == {"pics/a.png": "pics-cut/a.png", "pics/b.jpg": "pics-cut/b.png"}
    assert targets(plan(["pics/"], "out", naming=BLUR)) == {"pics/a.png": "out/a.png", "pics/b.jpg": "out/b.jpg"}


def test_recursive_keeps_the_tree(here: Path) -> None:
    make("pics/a.jpg", "pics/x/a.jpg", "pics/x/y/a.jpg", "pics/.trash/b.jpg")
    assert targets(plan(["pics"], "out", naming=CUT, recursive=True)) == {
        "pics/a.jpg": "out/a.png",
        "pics/x/a.jpg": "out/x/a.png",
        "pics/x/y/a.jpg": "out/x/y/a.png",
    }


def test_the_folder_one_stands_in(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make("pics/a.jpg")
    monkeypatch.chdir("pics")
    (task,) = plan(["."], naming=CUT)
    assert task.target == here / "pics-cut" / "a.png"


def test_several_folders_in_one_out_stay_apart(here: Path) -> None:
    make("one/a.jpg", "two/a.jpg")
    assert targets(plan(["one", "two"], "out", naming=CUT)) == {
        "one/a.jpg": "out/one/a.png",
        "two/a.jpg": "out/two/a.png",
    }


def test_results_inside_the_input_folder_are_not_read_again(here: Path) -> None:
    make("pics/a.jpg")
    for _ in range(2):
        assert targets(plan(["pics"], "pics/out", naming=CUT, recursive=True)) == {"pics/a.jpg": "pics/out/a.png"}
        make("pics/out/a.png")


def test_masks_inside_the_input_folder_are_no_photos(here: Path) -> None:
    make("pics/a.jpg", "pics/masks/a.png")
    tasks = plan(["pics"], naming=CUT, recursive=True, avoid=[Path("pics/masks")])
    assert targets(tasks) == {"pics/a.jpg": "pics-cut/a.png"}


def test_the_input_folder_cannot_be_the_output_folder(here: Path) -> None:
    make("pics/a.jpg")
    for out in ("pics", "pics/", "other/../pics"):
        with pytest.raises(OutputError, match="input folder itself"):
            plan(["pics"], out, naming=CUT)


def test_patterns_keep_the_tree_below_their_fixed_part(here: Path) -> None:
    make("pics/x/a.jpg", "pics/y/a.jpg", "pics/y/b.txt", "pics/y/.c.jpg")
    expected = {"pics/x/a.jpg": "out/x/a.png", "pics/y/a.jpg": "out/y/a.png"}
    assert targets(plan(["pics/*/*"], "out", naming=CUT)) == expected
    assert targets(plan(["pics/**/*.jpg"], "out", naming=CUT)) == expected
    assert targets(plan([f"{here}/pics/*/a.jpg"], "out", naming=CUT)) == {
        f"{here.as_posix()}/{source}": target for source, target in expected.items()
    }


def test_a_name_with_brackets_is_a_name_first(here: Path) -> None:
    make("photo[1].jpg")
    assert targets(plan(["photo[1].jpg"], naming=CUT)) == {"photo[1].jpg": "photo[1]-cut.png"}


def test_photos_that_share_a_name_keep_all_of_it(here: Path) -> None:
    make("pics/a.jpg", "pics/a.png", "pics/b.jpg")
    assert targets(plan(["pics"], naming=CUT)) == {
        "pics/a.jpg": "pics-cut/a.jpg.png",
        "pics/a.png": "pics-cut/a.png.png",
        "pics/b.jpg": "pics-cut/b.png",
    }
    assert targets(plan(["pics/a.png", "pics/a.jpg"], naming=CUT)) == {
        "pics/a.png": "pics/a.png-cut.png",
        "pics/a.jpg": "pics/a.jpg-cut.png",
    }


def test_whole_names_that_collide_again_are_set_apart_too(here: Path) -> None:
    make("pics/a.jpg", "pics/a.png", "pics/a.jpg.webp")
    assert sorted(targets(plan(["pics"], naming=CUT)).values()) == [
        "pics-cut/a.jpg.png",
        "pics-cut/a.jpg.webp.png",
        "pics-cut/a.png.png",
    ]


def test_names_that_differ_by_case_only_never_meet(here: Path) -> None:
    make("one/A.jpg", "two/a.jpg")
    with pytest.raises(OutputError, match="would both become"):
        plan(["one/A.jpg", "two/a.jpg"], "out", naming=CUT)
    make("one/a.jpg")
    if len(list(Path("one").iterdir())) == 2:  # a disk that tells case apart
        assert sorted(targets(plan(["one"], naming=CUT)).values()) == ["one-cut/A.jpg.png", "one-cut/a.jpg.png"]


def test_photos_of_one_name_from_two_folders_are_refused(here: Path) -> None:
    make("one/a.jpg", "two/a.jpg")
    with pytest.raises(OutputError, match=r"one.a\.jpg and two.a\.jpg would both become out.a\.jpg\.png"):
        plan(["one/a.jpg", "two/a.jpg"], "out", naming=CUT)


def test_a_photo_named_twice_is_done_once(here: Path) -> None:
    make("pics/a.jpg", "pics/b.jpg")
    assert len(plan(["pics/a.jpg", "./pics/../pics/a.jpg", "pics/*.jpg", str(here / "pics/b.jpg")], naming=CUT)) == 2


# ---- never over an input


def test_a_result_never_goes_over_its_photo(here: Path) -> None:
    make("a.png", "b.png")
    Path("link.png").symlink_to("a.png")
    for out in ("a.png", "./a.png", "link.png", str(here / "a.png")):
        with pytest.raises(OutputError, match="never written over"):
            plan(["a.png"], out, naming=CUT, overwrite=True)


def test_a_result_never_goes_over_another_input(here: Path) -> None:
    make("pics/a.jpg", "pics/b.jpg", "out/x")
    Path("out/a.png").symlink_to("../pics/b.jpg")
    with pytest.raises(OutputError, match=r"out.a\.png, the result of pics.a\.jpg, is an input"):
        plan(["pics"], "out", naming=CUT)
    make("one/c.jpg", "one/c.png", "one/c.jpg.png")
    with pytest.raises(OutputError, match="never written over"):
        plan(["one/c.jpg", "one/c.png", "one/c.jpg.png"], "one", naming=CUT)


def test_results_of_an_earlier_run_are_not_taken_for_photos(here: Path) -> None:
    make("a.jpg", "a-blur.jpg", "b.jpg")
    assert targets(plan(["*.jpg"], naming=BLUR)) == {"a.jpg": "a-blur.jpg", "b.jpg": "b-blur.jpg"}
    with pytest.raises(OutputError, match="never written over"):
        plan(["*.jpg"], naming=BLUR, overwrite=True)


def test_folders_of_results_of_an_earlier_run_are_not_taken_for_photos(here: Path) -> None:
    make("pics/a.jpg", "pics-cut/a.png")
    assert targets(plan(["pics", "pics-cut"], naming=CUT)) == {"pics/a.jpg": "pics-cut/a.png"}


# ---- files, folders and streams to write to


def test_out_is_a_file_for_one_photo(here: Path) -> None:
    make("a.jpg")
    assert targets(plan(["a.jpg"], "new/b.webp", naming=CUT)) == {"a.jpg": "new/b.webp"}


def test_out_is_a_folder_if_it_looks_like_one(here: Path) -> None:
    make("a.jpg", "there.dir/x")
    for out, target in {"new": "new/a.png", "v1.2/": "v1.2/a.png", "there.dir": "there.dir/a.png"}.items():
        assert targets(plan(["a.jpg"], out, naming=CUT)) == {"a.jpg": target}


def test_several_photos_need_a_folder(here: Path) -> None:
    make("pics/a.jpg", "pics/b.jpg", "file")
    for out in ("out.png", "file", "-"):
        with pytest.raises(OutputError, match="give a folder"):
            plan(["pics"], out, naming=CUT)


def test_streams(here: Path) -> None:
    make("a.jpg")
    assert plan(["-"], naming=CUT) == [Task(STREAM, STREAM, STREAM, ".png")]
    assert plan(["-"], naming=BLUR)[0].suffix == ".png"
    assert plan(["-"], "-", naming=Naming("-blur", format="jpg"))[0].suffix == ".jpg"
    assert plan(["-"], "b.webp", naming=CUT)[0].target == Path("b.webp")
    assert plan(["a.jpg"], "-", naming=BLUR) == [Task(Path("a.jpg"), STREAM, Path("a.jpg"), ".jpg")]
    with pytest.raises(OutputError, match="no name"):
        plan(["-"], "out/", naming=CUT)
    with pytest.raises(InputError, match="alone"):
        plan(["-", "a.jpg"], naming=CUT)


@pytest.mark.parametrize(
    ("naming", "out", "message"),
    [
        (CUT, "b.jpg", "transparency.*--background"),
        (Naming("-cut", default=".png", alpha=True, format="jpg"), None, "transparency"),
        (Naming("-blur", format="xyz"), None, "cannot write .xyz; choose one of .png"),
        (BLUR, "b.xyz", "cannot write .xyz"),
        (Naming("-blur", format="png"), "b.jpg", "make them agree"),
    ],
)
def test_formats_that_do_not_fit(here: Path, naming: Naming, out: str | None, message: str) -> None:
    make("a.jpg")
    with pytest.raises(OutputError, match=message):
        plan(["a.jpg"], out, naming=naming)


@pytest.mark.parametrize(("format", "out"), [("heic", None), (None, "b.HEIF"), ("heif", "out/")])
def test_heic_without_its_extra_is_told_before_any_work(
    here: Path, monkeypatch: pytest.MonkeyPatch, format: str | None, out: str | None
) -> None:
    make("a.jpg", "b.jpg")
    sources = ["a.jpg"] if out and not out.endswith("/") else ["a.jpg", "b.jpg"]
    assert plan(sources, out, naming=Naming("-blur", format=format))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(MissingExtra, match=r"writing HEIF needs .*standout\[heic\]"):
        plan(sources, out, naming=Naming("-blur", format=format))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (["nope.jpg"], "nope.jpg does not exist"),
        (["nope/"], "does not exist"),
        (["*.webp"], "no photo or clip matches '\\*.webp'"),
        (["empty"], "holds no photo"),
        (["nested"], "add --recursive for the folders"),
        ([], "no input"),
    ],
)
def test_inputs_that_lead_nowhere(here: Path, inputs: list[str], message: str) -> None:
    make("empty/x.txt", "nested/x/a.jpg")
    with pytest.raises(InputError, match=message):
        plan(inputs, naming=CUT)


def test_a_file_named_like_the_stream_is_not_its_result(here: Path) -> None:
    make("-", "a.jpg", "a-cut.png")
    assert not plan(["-"], naming=CUT)[0].is_done()
    assert plan(["a.jpg"], naming=CUT)[0].is_done()


def test_a_circle_of_links_ends(here: Path) -> None:
    make("pics/a.jpg")
    Path("pics/up").symlink_to("..", target_is_directory=True)
    assert len(plan(["pics"], naming=CUT, recursive=True)) == 1


# ---- files that cannot be read, or are not there to be opened


def sources(tasks: list[Task]) -> list[str]:
    return [task.source.name for task in tasks if task.can_be_done]


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("a.jfif", "a.jpg"),
        ("a.JPE", "a.jpg"),
        ("a.pjpeg", "a.jpg"),
        ("a.mpo", "a.jpg"),
        ("DSCF0001.HIF", "DSCF0001.jpg"),
        ("a.heics", "a.jpg"),
        ("a.avifs", "a.avif"),
        ("a.apng", "a.png"),
        ("a.dib", "a.bmp"),
        ("a.f4v", "a.mp4"),
        ("a.M2TS", "a.mp4"),
        ("a.mpe", "a.mp4"),
        ("a.h264", "a.mp4"),
    ],
)
def test_less_usual_suffixes_are_read_too(here: Path, name: str, result: str) -> None:
    make(f"pics/{name}")
    assert targets(plan(["pics"], "out", naming=BLUR)) == {f"pics/{name}": f"out/{result}"}
    assert targets(plan(["pics/*"], "out", naming=BLUR)) == {f"pics/{name}": f"out/{result}"}


@pytest.mark.parametrize("inputs", [["pics"], ["pics/*"]])
def test_pictures_of_a_kind_that_cannot_be_read_are_named(here: Path, inputs: list[str]) -> None:
    make("pics/a.jpg", "pics/b.CR2", "pics/c.svg", "pics/d.rmvb", "pics/notes.txt", "pics/run.sh", "pics/.e.psd")
    tasks = plan(inputs, naming=CUT)
    assert sources(tasks) == ["a.jpg"]
    assert {task.source.name: task.skip for task in tasks if task.skip} == {
        "b.CR2": ".cr2 files cannot be read",
        "c.svg": ".svg files cannot be read",
        "d.rmvb": ".rmvb files cannot be read",
    }
    assert not any(task.fault or task.is_done() for task in tasks)
    Path("pics/a.jpg").unlink()
    with pytest.raises(InputError, match=r"only 3 files that standout cannot read: pics.b\.CR2, pics.c\.svg, pics"):
        plan(inputs, naming=CUT)


def test_what_a_camera_recorded_is_no_picture_yet_even_when_it_is_named(here: Path) -> None:
    make("a.nef", "b.jpg")
    tasks = plan(["a.nef", "b.jpg"], naming=CUT)
    assert sources(tasks) == ["b.jpg"] and "develop it first" in tasks[1].fault


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("inputs", [["pics"], ["pics/*"], ["pics", "b.jpg"]])
def test_pipes_and_sockets_in_a_folder_are_never_opened(here: Path, inputs: list[str]) -> None:
    make("pics/a.jpg", "b.jpg")
    os.mkfifo("pics/p.jpg")
    Path("pics/link.png").symlink_to("p.jpg")
    Path("pics/zero.gif").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("pics/s.mp4")
        tasks = plan(inputs, naming=CUT)
    assert sources(tasks) == ["a.jpg", *(["b.jpg"] if "b.jpg" in inputs else [])]
    faults = {task.source.name: task.fault for task in tasks if task.fault}
    assert {name: why.split(" is a ")[1].split(",")[0] for name, why in faults.items()} == {
        "p.jpg": "pipe",
        "link.png": "pipe",
        "zero.gif": "device",
        "s.mp4": "socket",
    }
    assert plan(["pics/p.jpg"], "out.png", naming=CUT)[0].can_be_done, "a pipe that is named is read"


def test_a_folder_inside_that_cannot_be_listed_stops_no_other(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make("pics/a.jpg", "pics/locked/b.jpg", "pics/z/c.jpg")
    scan = os.scandir

    def refusing(path: str) -> object:
        if "locked" in os.fspath(path):
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    tasks = plan(["pics"], naming=CUT, recursive=True)
    assert sources(tasks) == ["a.jpg", "c.jpg"]
    assert [task.fault for task in tasks if task.fault] == [
        f"{Path('pics/locked')} cannot be listed (Permission denied); change its permissions"
    ]
    with pytest.raises(InputError, match=r"locked cannot be listed"):
        plan(["pics/locked"], naming=CUT)


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX file systems")
def test_names_that_the_system_refuses_stop_no_other(here: Path) -> None:
    longest = "x" * 251 + ".jpg"
    make("a.jpg", longest)
    tasks = plan(["a.jpg", longest, "y" * 300 + ".jpg"], naming=CUT)
    assert sources(tasks) == ["a.jpg", longest] and not any(task.is_done() for task in tasks)
    assert "File name too long" in tasks[-1].fault
    with pytest.raises(InputError, match="does not exist"):
        plan(["nul\0.jpg"], naming=CUT)
    for out in ("z" * 300, "z" * 300 + ".png"):
        assert plan(["a.jpg"], out, naming=CUT)[0].can_be_done


def test_what_macos_leaves_beside_files_is_no_photo(here: Path) -> None:
    make("pics/a.jpg")
    Path("pics/._a.jpg").write_bytes(b"\0\5\26\7 and so on")
    assert sources(plan(["pics"], naming=CUT)) == sources(plan(["pics/*"], naming=CUT)) == ["a.jpg"]
    tasks = plan(["pics/a.jpg", "pics/._a.jpg"], naming=CUT)
    assert sources(tasks) == ["a.jpg"] and "macOS" in tasks[1].skip
