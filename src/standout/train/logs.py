"""Where a run's scores go beside log.csv: TensorBoard's files, Weights & Biases, or MLflow.

Nothing leaves the machine unless the user says so: W&B runs offline unless WANDB_MODE says otherwise, and MLflow writes
into the run's folder unless MLFLOW_TRACKING_URI names another place. What is kept are the scores of every epoch and the
recipe, with file names in place of paths: no code, no console, no account, no machine.

To add a tracker: a function from a Run to a logger and what closes it, named in TRACKERS and in config.Tracker.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from lightning.pytorch.loggers import Logger, MLFlowLogger, TensorBoardLogger, WandbLogger
from lightning.pytorch.utilities import rank_zero_only

from standout.errors import MissingExtra, OutputError, SetupError
from standout.train.config import Recipe

PROJECT = "standout"
"""The project, or the experiment, in which runs are kept where the environment names none."""


@dataclass(frozen=True)
class Run:
    """What a tracker is told of a run.

    settings: the recipe as a flat dict, without paths. known: what trackers keep between sessions of the run, by their
    names, such as their run's id; they change it.
    """

    name: str
    out: Path
    settings: dict[str, Any]
    known: dict[str, str]


Closing = Callable[[bool], None]
"""Closes a tracker's run; told whether the run went well."""


@contextmanager
def tracked(recipe: Recipe, out: Path, settings: dict[str, Any], known: dict[str, str]) -> Iterator[list[Logger]]:
    """The loggers that the recipe asks for, which are closed at the end. settings, known: as in Run.

    Processes other than the first log nothing.

    Raises MissingExtra when a tracker is not installed, SetupError when it cannot start a run, and OutputError when out
    cannot be made.
    """
    if getattr(rank_zero_only, "rank", 0) != 0:
        yield []
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out} cannot be made ({error.strerror}); give another --out") from None
    run = Run(recipe.name, out, {key: without_path(value) for key, value in settings.items()}, known)
    with ExitStack() as stack:
        loggers = []
        for name in dict.fromkeys(recipe.log):
            logger, close = TRACKERS[name](run)
            stack.push(_closing(close))
            loggers.append(logger)
        yield loggers


def _closing(close: Closing) -> Callable[..., None]:
    return lambda kind, *_: close(kind is None)


def without_path(value: Any) -> Any:
    """The value, in which paths are only the names of their files, since folders may name people and customers.

    >>> without_path("/home/ann/photos/first.csv"), without_path("standout-mobile"), without_path([0.5, "a/b"])
    ('first.csv', 'standout-mobile', [0.5, 'b'])
    """
    if isinstance(value, list):
        return [without_path(each) for each in value]
    if isinstance(value, dict):
        return {key: without_path(each) for key, each in value.items()}
    return PurePath(value).name if isinstance(value, str) and ("/" in value or os.sep in value) else value


def _tensorboard(run: Run) -> tuple[Logger, Closing]:
    """Files that `tensorboard --logdir` shows."""
    return TensorBoardLogger(run.out, name="", version="tensorboard"), lambda _: None


def _wandb(run: Run) -> tuple[Logger, Closing]:
    """A run of Weights & Biases, kept in wandb/ inside the run's folder until `wandb sync` sends it."""
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # it would send stack traces, whatever the mode
    try:
        import wandb
    except ModuleNotFoundError:
        raise MissingExtra('log = "wandb"', "wandb") from None
    mode = os.environ.get("WANDB_MODE", "offline")
    identity = run.known.setdefault("wandb", secrets.token_hex(4))
    settings = wandb.Settings(
        console="off",
        disable_code=True,
        disable_git=True,
        host="",
        save_code=False,
        silent=True,
        x_disable_machine_info=True,
        x_disable_meta=True,
        x_disable_stats=True,
        x_save_requirements=False,
    )
    try:
        experiment = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=run.name,
            dir=str(run.out),
            id=identity,
            resume=None if mode == "offline" else "allow",  # offline, `wandb sync` joins what has the same id
            mode=mode,  # type: ignore[arg-type]  # wandb checks it
            config=run.settings,
            settings=settings,
        )
    except (wandb.errors.Error, ValueError) as error:
        raise SetupError(
            f"W&B cannot start a run with WANDB_MODE={mode} ({error}); log in with `wandb login`, or unset WANDB_MODE "
            "to keep the run on this machine"
        ) from None
    experiment.define_metric("trainer/global_step")
    experiment.define_metric("*", step_metric="trainer/global_step", step_sync=True)
    return WandbLogger(experiment=experiment), lambda well: experiment.finish(exit_code=0 if well else 1)


def _mlflow(run: Run) -> tuple[Logger, Closing]:
    """A run of MLflow, in mlflow.db inside the run's folder unless MLFLOW_TRACKING_URI names another place."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # it would tell its makers which functions are called
    try:
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
    except ModuleNotFoundError:
        raise MissingExtra('log = "mlflow"', "mlflow") from None
    local = f"sqlite:///{(run.out / 'mlflow.db').resolve()}"
    place = os.environ.get("MLFLOW_TRACKING_URI") or local
    experiment = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
    try:
        client = MlflowClient(place)
        identity = run.known.get("mlflow", "")
        if identity and _is_there(client, identity):
            client.update_run(identity, status="RUNNING")
        else:
            found = client.get_experiment_by_name(experiment)
            files = str(run.out / "mlflow") if place == local else None
            number = found.experiment_id if found else client.create_experiment(experiment, artifact_location=files)
            # Not by the logger, which would add the user's name, the program and its version to the run.
            identity = client.create_run(number, run_name=run.name).info.run_id
            for key, value in run.settings.items():
                client.log_param(identity, key, value)
    except (MlflowException, ModuleNotFoundError) as error:
        raise SetupError(
            f"MLflow cannot start a run at {place} ({error}); check MLFLOW_TRACKING_URI, or unset it to keep the run "
            f"in {run.out}, and run: pip install 'standout[mlflow]'"
        ) from None
    run.known["mlflow"] = identity
    logger = MLFlowLogger(experiment, tracking_uri=place, run_id=identity)
    return logger, lambda well: client.set_terminated(identity, "FINISHED" if well else "FAILED")


def _is_there(client: Any, identity: str) -> bool:
    """Whether the place still holds the run; the user may have named another one since."""
    from mlflow.exceptions import MlflowException

    try:
        return bool(client.get_run(identity).info.lifecycle_stage == "active")
    except MlflowException:
        return False


TRACKERS: dict[str, Callable[[Run], tuple[Logger, Closing]]] = {
    "tensorboard": _tensorboard,
    "wandb": _wandb,
    "mlflow": _mlflow,
}
