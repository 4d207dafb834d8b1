import json
import shutil
from pathlib import Path

import av
import pytest

from standout.batch import clip
from standout.cli import main
from standout.support import atomic
from tests.conftest import SAMPLE
from tests.video.drawn import Made, make, sound_packets


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a photo and two clips, one of them with sound."""
    monkeypatch.chdir(tmp_path)
    Path("mix").mkdir()
    shutil.copy(SAMPLE, "mix/photo.jpg")
    make(Path("mix/loud.mp4"), Made(tracks=["aac"]))
    make(Path("mix/other.mkv"))
    return tmp_path


def frames(path: str) -> int:
    with av.open(path) as container:
        return sum(1 for _ in container.decode(video=0))


def test_a_clip_beside_itself_with_its_sound(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["blur", "mix/loud.mp4", "--runtime", "onnx"]) == 0
    said = capsys.readouterr()
    assert said.out == "mix/loud-blur.mp4\n" and "nobody found" in said.err
    assert frames("mix/loud-blur.mp4") == 30
    assert sound_packets(Path("mix/loud-blur.mp4")) == sound_packets(Path("mix/loud.mp4"))
    assert main(["blur", "mix/loud.mp4"]) == 0
    assert "is there already and is kept" in capsys.readouterr().err


def test_a_folder_mixes_photos_and_clips_with_one_ledger(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("mix/broken.mp4").write_bytes(b"no clip at all")
    assert main(["cut", "mix", "--report", "jobs.jsonl", "--end", "0.3"]) == 1
    said = capsys.readouterr().err
    assert "3 done, 1 failed" in said and "broken.mp4" in said
    lines = {Path(line["source"]).name: line for line in map(json.loads, Path("jobs.jsonl").read_text().splitlines())}
    assert {name: (line["status"], line["frames"]) for name, line in lines.items()} == {
        "photo.jpg": ("done", None), "loud.mp4": ("done", 9), "other.mkv": ("done", 9), "broken.mp4": ("failed", None),
    }  # fmt: skip
    made = sorted(path.name for path in Path("mix-cut").iterdir())
    assert made == ["loud.webm", "other.webm", "photo.png"]
    with av.open("mix-cut/loud.webm") as container:
        assert (
            container.streams.video[0].metadata.get("ALPHA_MODE", container.streams.video[0].metadata.get("alpha_mode"))
            == "1"
        )


@pytest.mark.parametrize(
    ("arguments", "made"),
    [
        (["mask", "mix/other.mkv", "-o", "m.mp4"], "m.mp4"),
        (["color", "mix/other.mkv", "-f", "gif"], "mix/other-color.gif"),
        (["cut", "mix/other.mkv", "-f", "mov"], "mix/other-cut.mov"),
        (["cut", "mix/other.mkv", "-b", "red"], "mix/other-cut.mkv"),
        (["replace", "mix/other.mkv", "-b", "mix/loud.mp4", "--no-sound", "--codec", "hevc"], "mix/other-replace.mkv"),
        (["blur", "mix/other.mkv", "--fps", "15", "--max-side", "64", "--steady", "0"], "mix/other-blur.mkv"),
    ],
)  # fmt: skip
def test_formats_and_options(here: Path, arguments: list[str], made: str) -> None:
    assert main([*arguments, "-q", "--end", "0:00.4"]) == 0
    assert frames(made) == (6 if "--fps" in arguments else 12)


def test_the_report_tells_flicker_of_clips(here: Path) -> None:
    assert main(["blur", "mix", "-q", "--end", "0.3", "--report", "jobs.jsonl", "--steady", "0.2"]) == 0
    for line in map(json.loads, Path("jobs.jsonl").read_text().splitlines()):
        told = line["flicker_before"], line["flicker_after"]
        assert told == (None, None) if line["source"].endswith("jpg") else min(told) >= 0


def test_another_command_does_not_go_on(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip, "CHUNK", 10)

    def stopped(*arguments: str) -> int:
        def fails(part: Path, path: Path, *, overwrite: bool = False) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(atomic, "publish", fails)
            return main(arguments)

    command = ["replace", "mix/other.mkv", "-b", "mix/loud.mp4", "-o", "out.mp4"]
    assert stopped(*command) == 130
    assert "nothing is left of the clip; with --resume, the same command would go on" in capsys.readouterr().err
    command.append("--resume")
    assert stopped(*command) == 130
    assert "the same command goes on from the last minute that was finished" in capsys.readouterr().err
    for other, said in (
        (["replace", "mix/other.mkv", "-b", "mix/other.mkv", *command[4:]], "background was loud.mp4, is other.mkv"),
        ([*command, "--fit"], "fit was False, is True"),
        ([*command, "--no-refine", "--mirror"], "refine was True, is False, tta was False, is True"),
        (["blur", "mix/other.mkv", *command[4:]], "effect was replace, is blur"),
    ):
        assert main(other) == 1
        assert said in capsys.readouterr().err.replace("\n", " ")
    assert main([*command, "-q", "--report", "jobs.jsonl"]) == 0
    assert frames("out.mp4") == 30 and not list(here.glob(".*"))


def test_frames_become_a_folder_of_pictures(here: Path) -> None:
    assert main(["cut", "mix/other.mkv", "-f", "frames", "-q", "--start", "0.5"]) == 0
    assert len(list(Path("mix/other-cut.frames").iterdir())) == 15
    assert main(["cut", "mix/other.mkv", "-f", "frames", "-q"]) == 0, "what is there is kept"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["blur", "mix/loud.mp4", "--end", "soon"], "--end 'soon' is no time; wanted seconds, minutes:seconds"),
        (["blur", "mix/loud.mp4", "--start", "2", "--end", "1"], "--end 1 is not after --start 2"),
        (["blur", "mix/loud.mp4", "--fps", "0"], "--fps '0' is no rate"),
        (["cut", "mix/loud.mp4", "--crop"], "mix/loud.mp4 is a clip, and --crop is for photos"),
        (["blur", "mix/loud.mp4", "-o", "out.png"], "cannot write a clip as .png; choose one of .mp4 .mov"),
        (
            ["cut", "mix/loud.mp4", "-o", "out.mp4"],
            ".mp4 cannot hold the transparency of a cut-out; choose one of .mov",
        ),
        (["blur", "mix/photo.jpg", "-o", "out.mp4"], "cannot write .mp4; choose one of .png"),
        (["blur", "mix/photo.jpg", "-f", "mp4"], ".mp4 holds no photo"),
        (["blur", "mix/loud.mp4", "-f", "jpg"], ".jpg holds no clip"),
        (["blur", "mix/loud.mp4", "-o", "-"], "mix/loud.mp4 is a clip, which needs a file to be written to"),
        (["replace", "mix/photo.jpg", "-b", "mix/loud.mp4"], "mix/loud.mp4 is a clip, which goes behind clips alone"),
        (["replace", "mix/loud.mp4", "-b", "none.mp4"], "background none.mp4 does not exist"),
        (["replace", "mix/loud.mp4", "-b", "none.mp4", "--resume"], "background none.mp4 does not exist"),
        (["color", "mix/loud.mp4", "-f", "gif", "--resume"], "a .gif cannot be put together from finished chunks"),
    ],
)
def test_bad_input(here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    before = sorted(here.rglob("*"))
    assert main(arguments) in (1, 2)
    assert message in capsys.readouterr().err
    assert sorted(here.rglob("*")) == before
