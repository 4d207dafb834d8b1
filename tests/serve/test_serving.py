"""`standout serve` as a process of its own, asked over a socket, and by the public clients of remove.bg.

The clients run as their authors published them, but for the address. scripts/clients installs them.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("uvicorn")
import standout
from tests.conftest import ROOT, SAMPLE
from tests.serve.conftest import opened
from tests.waiting import LIMIT, started, until

CLIENTS = ROOT / ".clients"
SOURCE = str(Path(standout.__file__).parent.parent)
KEY = "a-key-of-ours"

pytestmark = pytest.mark.slow


def command(*more: str) -> list[str]:
    return [sys.executable, "-m", "standout", "serve", "--port", "0", "--workers", "1", *more]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": SOURCE}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server that asks for a key."""
    log = tmp_path_factory.mktemp("serve") / "log"
    with log.open("w") as told, started(command("--key", KEY), stderr=told, env=environment()) as process:
        where = served_at(log, process)
        until(lambda: answered(f"{where}/readyz"), "the model to be loaded", process=process)
        yield where


def served_at(log: Path, process: subprocess.Popen[Any]) -> str:
    """The URL that the server has told, and at which it is alive by now."""

    def url() -> str | None:
        found = re.search(r"serving at (http://127\.0\.0\.1:\d+)/", log.read_text())
        return found and found[1]

    where = until(url, "the server's address", process=process)
    assert where is not None
    until(lambda: answered(f"{where}/healthz"), "the server's first answer", process=process)
    return where


def answered(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=LIMIT) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def astronaut_is_cut(data: bytes) -> bool:
    picture = opened(data)
    height, width = picture.shape[:2]
    face, wall = picture[int(height * 0.3), int(width * 0.42)], picture[int(height * 0.05), int(width * 0.9)]
    return picture.shape[2] == 4 and face[3] == 255 and wall[3] == 0


def run(*arguments: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments, cwd=folder, env=os.environ | more, capture_output=True, text=True, timeout=LIMIT, check=False
    )


def client(name: str) -> Path:
    """A part of the folder with the public clients."""
    if not (CLIENTS / name).exists():
        pytest.skip(f"{name} is not there; scripts/clients installs it")
    return CLIENTS / name


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return Path(shutil.copy(SAMPLE, tmp_path / "photo.jpg"))


def test_curl(address: str, photo: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    asks = ["curl", "-sS", "-H", f"X-Api-Key: {KEY}", "-F", f"image_file=@{photo}", "-F", "size=auto"]
    done = run(*asks, "-f", "-o", "out.png", f"{address}/v1.0/removebg", folder=photo.parent)
    assert done.returncode == 0, done.stderr
    assert astronaut_is_cut((photo.parent / "out.png").read_bytes())


def test_a_wrong_key_is_told_while_the_picture_is_still_sent(address: str) -> None:
    """Its connection stays usable, so that the client reads the answer instead of an error of its socket."""
    body = bytes(5_000_000)
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=LIMIT)
    try:
        for key, status in (("wrong-key", 403), (KEY, 400)):
            headers = {"X-Api-Key": key, "Content-Type": "image/png"}
            connection.request("POST", "/v1.0/removebg", body=body, headers=headers)
            answer = connection.getresponse()
            assert (answer.status, answer.getheader("Connection")) == (status, None)
            assert json.loads(answer.read())["errors"]
    finally:
        connection.close()


PYTHON = """
import base64, sys
from removebg import removebg
removebg.API_ENDPOINT = sys.argv[1] + "/v1.0/removebg"
client = removebg.RemoveBg(sys.argv[2], "errors.log")
client.remove_background_from_img_file("photo.jpg")
with open("photo.jpg", "rb") as photo:
    client.remove_background_from_base64_img(base64.b64encode(photo.read()), new_file_name="b64.png")
client.remove_background_from_img_file("photo.jpg", bg_color="81d4fa")
"""


def test_the_python_client(address: str, photo: Path) -> None:
    folder, packages = photo.parent, client("py/removebg").parent
    done = run(sys.executable, "-c", PYTHON, address, KEY, folder=folder, PYTHONPATH=str(packages))
    assert done.returncode == 0, done.stderr
    assert astronaut_is_cut((folder / "b64.png").read_bytes())
    colored = opened((folder / "photo.jpg_no_bg.png").read_bytes())
    assert (np.abs(colored[25, 450, :3].astype(int) - (0x81, 0xD4, 0xFA)) < 6).all()


def test_the_python_client_with_a_wrong_key(address: str, photo: Path) -> None:
    packages = client("py/removebg").parent
    done = run(sys.executable, "-c", PYTHON, address, "wrong-key", folder=photo.parent, PYTHONPATH=str(packages))
    assert done.returncode == 1 and "403 Client Error" in done.stderr


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "zip"])
def test_the_command_line_client(address: str, photo: Path, kind: str) -> None:
    source = client("py/removebg_cli.py").read_text()
    assert source.count("https://api.remove.bg/") >= 3
    (photo.parent / "cli.py").write_text(source.replace("https://api.remove.bg", address))
    asks = [sys.executable, "cli.py", "photo.jpg", "-o", f"out.{kind}", "-f", kind, "-b", "81d4fa"]
    more = {"PYTHONPATH": str(CLIENTS / "py"), "REMOVE_BG_API_KEY": KEY, "PYTHONIOENCODING": "utf-8"}
    done = run(*asks, folder=photo.parent, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    data = (photo.parent / f"out.{kind}").read_bytes()
    if kind == "zip":
        assert data[:2] == b"PK"
    else:
        assert (np.abs(opened(data)[20, 460, :3].astype(int) - (0x81, 0xD4, 0xFA)) < 8).all()
    account = run(sys.executable, "cli.py", "--account", folder=photo.parent, **more)
    assert account.returncode == 0 and "1000000" in account.stdout.replace(",", ""), account.stdout


NODE = """
const client = require("remove.bg"), fs = require("fs");
const key = process.argv[2];
(async () => {
  const one = await client.removeBackgroundFromImageFile({path: "photo.jpg", apiKey: key, outputFile: "file.png"});
  const base64img = fs.readFileSync("photo.jpg").toString("base64");
  const two = await client.removeBackgroundFromImageBase64({base64img, apiKey: key, size: "regular", type: "person",
    crop: true, crop_margin: "10%", scale: "80%", outputFile: "base64.png"});
  const errors = [];
  for (const bad of [{apiKey: "wrong-key", path: "photo.jpg"}, {apiKey: key, path: "photo.jpg", bg_color: "reddish"}])
    await client.removeBackgroundFromImageFile(bad).catch(error => errors.push(error));
  await client.removeBackgroundFromImageUrl({apiKey: key, url: "http://127.0.0.1:9/a.jpg"}).catch(e => errors.push(e));
  delete one.base64img; delete two.base64img;
  console.log(JSON.stringify({one, two, errors}));
})();
"""


def test_the_node_client(address: str, photo: Path) -> None:
    folder, modules = photo.parent, client("js/node_modules/remove.bg").parent
    shutil.copytree(modules, folder / "node_modules", symlinks=True)
    index = folder / "node_modules" / "remove.bg" / "dist" / "index.js"
    source = index.read_text()
    assert "https://api.remove.bg/" in source
    index.write_text(source.replace("https://api.remove.bg", address))
    (folder / "client.js").write_text(NODE)
    done = run("node", "client.js", KEY, folder=folder)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert (told["one"]["resultWidth"], told["one"]["detectedType"], told["one"]["creditsCharged"]) == (
        "500",
        "person",
        "0",
    )
    assert int(told["two"]["rateLimitRemaining"]) < int(told["two"]["rateLimit"])
    wanted = ["auth_failed", "invalid_bg_color", "failed_image_download"]
    assert [errors[0]["code"] for errors in told["errors"]] == wanted
    assert astronaut_is_cut((folder / "file.png").read_bytes())
    assert opened((folder / "base64.png").read_bytes()).shape[2] == 4


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it(tmp_path: Path, number: int, exit_code: int) -> None:
    log = tmp_path / "log"
    with log.open("w") as told, started(command(), stderr=told, env=environment()) as process:
        served_at(log, process)
        process.send_signal(number)
        assert process.wait(LIMIT) == exit_code
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("package", ["fastapi", "uvicorn", "python_multipart", "platformdirs", "prometheus_client"])
def test_a_package_that_is_missing(package: str) -> None:
    code = f"import sys; sys.modules[{package!r}] = None; from standout.cli import main; sys.exit(main(['serve']))"
    done = run(sys.executable, "-c", code, folder=Path.cwd(), PYTHONPATH=SOURCE)
    assert done.returncode == 2 and "pip install 'standout[serve]'" in done.stderr


def test_what_is_wrong_at_the_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for more, told in (
            (("--port", str(port)), f"port {port} of 127.0.0.1 cannot be opened"),
            (("--host", "0.0.0.0"), "no key is set; give --keys FILE"),
            (("--keys", "missing.txt"), "missing.txt cannot be read"),
            (("--keep-hours", "0"), "keep_hours is 0; wanted more than 0"),
            (("--jobs-folder", str(Path(__file__) / "jobs")), "jobs cannot hold the jobs"),
            (("--model", "standout-mobil"), "did you mean 'standout-mobile'"),
        ):
            done = run(*command(*more), folder=Path.cwd(), PYTHONPATH=SOURCE)
            assert (done.returncode, done.stdout) == (2, "") and told in done.stderr
            assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("error: ")
