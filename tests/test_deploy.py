"""The container, the compose file and the systemd unit of the server hold it to what it needs."""

from __future__ import annotations

import configparser
import json
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

GUIDE = ROOT / "docs" / "guides" / "deploy.md"


@pytest.fixture(scope="module")
def dockerfile() -> list[tuple[str, str]]:
    """(instruction, arguments) of the image that is run, without that in which it is built."""
    text = re.sub(r"^#.*\n", "", (ROOT / "docker" / "serve.Dockerfile").read_text(), flags=re.M).replace("\\\n", " ")
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
    last = max(number for number, (name, _) in enumerate(lines) if name == "FROM")
    return [(name, rest.strip()) for name, rest in lines[last:]]


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]["standout"]
    return made


def options(line: list[str]) -> set[str]:
    return {one for one in line if one.startswith("--")}


def known_options() -> set[str]:
    done = subprocess.run(
        [sys.executable, "-m", "standout", "serve", "--help"], capture_output=True, text=True, check=True
    )
    return set(re.findall(r"--[a-z][a-z-]+", done.stdout))


def test_the_image_runs_as_a_user_that_owns_nothing(dockerfile: list[tuple[str, str]]) -> None:
    given = dict(dockerfile)
    assert given["FROM"].startswith("python:") and given["FROM"].endswith("-slim")
    assert given["USER"].isdecimal() and int(given["USER"]) >= 10_000
    names = [name for name, _ in dockerfile]
    assert names.index("USER") > names.index("COPY") and "ADD" not in names
    assert not re.search(r"apt-get|gcc|build-essential|pip install", " ".join(rest for _, rest in dockerfile))


def test_what_the_image_runs(dockerfile: list[tuple[str, str]]) -> None:
    given = dict(dockerfile)
    line = json.loads(given["ENTRYPOINT"]) + json.loads(given["CMD"])
    assert line[:2] == ["standout", "serve"] and options(line) <= known_options()
    check = given["HEALTHCHECK"].partition("CMD")[2]
    command = json.loads(check)
    assert command[:2] == ["python", "-c"] and f"127.0.0.1:{given['EXPOSE']}/healthz" in command[2]
    compile(command[2], "healthcheck", "exec")


def test_the_compose_file(service: dict[str, Any], dockerfile: list[tuple[str, str]]) -> None:
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"] and service["init"] is True
    assert (
        service["security_opt"] == ["no-new-privileges:true"] and not {"privileged", "user", "cap_add"} & service.keys()
    )
    assert service["mem_limit"] and service["pids_limit"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    (temporary,) = service["tmpfs"]
    assert temporary.startswith("/tmp:") and {"noexec", "nosuid", "nodev"} <= set(temporary.split(":")[1].split(","))
    whole = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
    assert (ROOT / "docker" / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    (secret,) = service["secrets"]
    assert whole["secrets"][secret]["file"] == "keys.txt" and f"/run/secrets/{secret}" in dict(dockerfile)["CMD"]
    (volume,) = service["volumes"]
    assert volume.partition(":")[2] == dict(dockerfile)["VOLUME"] and volume.partition(":")[0] in whole["volumes"]


def test_the_keys_are_kept_out_of_git_and_of_the_image() -> None:
    assert "docker/keys.txt" in (ROOT / ".gitignore").read_text().splitlines()
    assert "docker/keys.txt" in (ROOT / ".dockerignore").read_text().splitlines()


def test_the_unit() -> None:
    (text,) = re.findall(r"```ini\n(.*?)```", GUIDE.read_text(), re.S)
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(text)
    service = dict(unit["Service"])
    wanted = {
        "DynamicUser": "yes",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "PrivateDevices": "yes",
        "CapabilityBoundingSet": "",
        "KillMode": "mixed",
        "StateDirectory": "standout",
        "UMask": "0077",
        "IPAddressDeny": "any",
        "SystemCallFilter": "@system-service",
    }
    assert {name: service.get(name) for name in wanted} == wanted
    assert re.fullmatch(r"\d+G", service["MemoryMax"]) and service["TasksMax"].isdecimal()
    line = service["ExecStart"].split()
    assert line[1] == "serve" and options(line) <= known_options() and "--host" not in line
    assert service["LoadCredential"].startswith("keys:/") and "%d/keys" in line, "the keys are no argument"


def test_the_proxies_take_what_the_server_takes() -> None:
    pytest.importorskip("fastapi")
    from standout.serve.settings import MEGABYTE, ServerSettings

    text = GUIDE.read_text()
    for port in re.findall(r"127\.0\.0\.1:(\d+)", text):
        assert int(port) == ServerSettings.port
    smallest = min(int(size) for size in re.findall(r"client_max_body_size (\d+)m", text))
    assert smallest * MEGABYTE >= ServerSettings().most_body
