import os
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from standout.errors import InputError, MissingExtra, SetupError
from standout.train import run
from standout.train.callbacks import read_log
from standout.train.config import load
from standout.train.module import SegmentationModule
from tests.train.conftest import tiny
from tests.train.test_run import CPU

SHORT = {"stages": [{"epochs": 2, "size": [64, 64]}]}

MLFLOW = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::FutureWarning")
"""MLflow's tables are made with SQLAlchemy in ways that newer versions of it warn of."""


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("WANDB_", "MLFLOW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """What a server is asked that stands where W&B's would be."""
    seen: list[str] = []

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.path)
            self.send_error(404)

        do_GET = do_POST

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ["WANDB_BASE_URL"] = f"http://127.0.0.1:{server.server_port}"
    yield seen
    server.shutdown()
    server.server_close()


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Where this process tries to connect to, other than this machine; no such call gets through."""
    seen: list[Any] = []
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
            seen.append(address)
            raise OSError("no network here")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    return seen


def wandb_records(file: Path) -> Iterator[bytes]:
    """The records of a W&B file: 7 bytes of head, then blocks of 32 KiB in the log format of LevelDB."""
    data, at, whole = file.read_bytes(), 7, b""
    while at + 7 <= len(data):
        left = 32768 - at % 32768
        length, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        if left < 7 or kind == 0:
            at += left
            continue
        whole += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # a whole record, or the last part of one
            yield whole
            whole = b""


def wandb_told(out: Path, kind: str) -> list[Any]:
    """What the offline runs in a run's folder tell of a kind, in order."""
    from wandb.proto import wandb_internal_pb2

    told = []
    for file in sorted(out.glob("wandb/offline-run-*/*.wandb")):
        for data in wandb_records(file):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(data)
            if record.WhichOneof("record_type") == kind:
                told.append(getattr(record, kind))
    return told


@pytest.mark.slow
def test_wandb_keeps_the_scores_offline_and_nothing_else(
    data: Path, tmp_path: Path, asked: list[str], called: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    out, recipe = tmp_path / "out", tiny(data, train=SHORT, log="wandb")

    def die(module: SegmentationModule) -> None:
        if module.current_epoch == 1:
            raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(SegmentationModule, "on_train_epoch_end", die)
        with pytest.raises(RuntimeError, match="power cut"):
            run.train(recipe, out, CPU)
    run.train(recipe, out, CPU)
    told = wandb_told(out, "history")
    # The epoch that was broken off after its validation is told again, of the same step.
    items = [{".".join(item.nested_key) or item.key: item.value_json for item in row.item} for row in told]
    scores = {row["trainer/global_step"]: float(row["val_dice"]) for row in items if "val_dice" in row}
    assert list(scores.values()) == pytest.approx([row["val_dice"] for row in read_log(out / "log.csv")], rel=1e-4)
    files = list(out.glob("wandb/offline-run-*/*.wandb"))
    assert len({file.name for file in files}) == 1, "both sessions have one id, by which they are joined"
    sent = b"".join(file.read_bytes() for file in files)
    assert b"train.lr" in sent
    for secret in (str(tmp_path), str(Path.cwd()), sys.executable, "test_logs", "power cut"):
        assert secret.encode() not in sent, secret
    assert {(one.host, one.git.commit, one.git.remote_url) for one in wandb_told(out, "run")} == {("", "", "")}
    assert not asked and not called
    assert "WANDB_MODE" not in os.environ
    assert not (out / "tensorboard").exists()


@pytest.mark.slow
@MLFLOW
def test_mlflow_keeps_the_scores_in_the_runs_folder(
    data: Path, tmp_path: Path, called: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    out, recipe = tmp_path / "out", tiny(data, train=SHORT, log=["mlflow", "tensorboard"])
    client = MlflowClient(f"sqlite:///{out / 'mlflow.db'}")
    states = []

    def die(module: SegmentationModule) -> None:
        if module.current_epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(SegmentationModule, "on_train_epoch_end", die)
        with pytest.raises(KeyboardInterrupt):
            run.train(recipe, out, CPU)
    for _ in range(2):
        [kept] = client.search_runs([client.get_experiment_by_name("standout").experiment_id])
        states.append(kept.info.status)
        run.train(recipe, out, CPU)
    assert states == ["FAILED", "FINISHED"]
    [kept] = client.search_runs([client.get_experiment_by_name("standout").experiment_id])
    scores = {one.step: one.value for one in client.get_metric_history(kept.info.run_id, "val_dice")}
    assert [scores[step] for step in sorted(scores)] == pytest.approx(
        [row["val_dice"] for row in read_log(out / "log.csv")], rel=1e-4
    )
    assert kept.data.params["train.lr"] == "0.001" and kept.data.params["data.folder"] == "data"
    assert kept.data.tags == {"mlflow.runName": "drawn"} and kept.info.user_id in ("", "unknown")
    assert not called
    assert (out / "tensorboard").exists()


@pytest.mark.slow
@MLFLOW
def test_mlflow_goes_where_the_user_says(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says what is wrong with a place that it cannot use."""
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    place = f"sqlite:///{tmp_path / 'all.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", place)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    one = {"stages": [{"epochs": 1, "size": [64, 64]}]}
    run.train(tiny(data, train=one, log="mlflow"), tmp_path / "out", CPU)
    client = MlflowClient(place)
    assert len(client.search_runs([client.get_experiment_by_name("mine").experiment_id])) == 1
    assert not (tmp_path / "out" / "mlflow.db").exists()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://x")
    with pytest.raises(SetupError, match="MLflow cannot start a run at nonsense://x"):
        run.train(tiny(data, train=one, log="mlflow"), tmp_path / "other", CPU)


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_tracker_that_is_not_installed_is_named_with_its_extra(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for module in [module for module in sys.modules if module.split(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=rf"log = \"{name}\" needs packages.*pip install 'standout\[{name}\]'"):
        run.train(tiny(data, log=name), tmp_path / "out", CPU)


def test_unknown_trackers_are_refused_and_several_may_be_given(data: Path) -> None:
    given = {"name": "x", "data": {"folder": str(data)}}
    assert load(None, given | {"log": "wandb"}).log == ("wandb",)
    assert load(None, given | {"log": []}).log == ()
    with pytest.raises(InputError, match=r"the settings: log\.1 = 'neptune': Input should be 'tensorboard', 'wandb'"):
        load(None, given | {"log": ["neptune"]})
