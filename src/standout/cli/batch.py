"""`standout batch`: folders, lists and buckets too large for one machine or one day.

    standout batch SOURCE TARGET EFFECT [OPTIONS] --ledger DIR

Each effect is a command below `batch SOURCE TARGET`, made of its class as in effects.py, with those options of Photos
that make sense here, and those of Bulk.
"""

# Typer looks at these annotations as the program runs, so they must not be turned into strings by a __future__ import.

import json
from dataclasses import asdict, dataclass, field, fields, make_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_type_hints

import typer

from standout.cli import effects, show
from standout.cli.counter import counted
from standout.cli.options import Photos
from standout.cli.signals import INTERRUPTED, stoppable
from standout.effects import known

if TYPE_CHECKING:
    from standout.batch.bulk.ledger import BulkRow
    from standout.batch.bulk.run import BulkEngine, BulkPlan, BulkSummary
    from standout.batch.bulk.storage import Storage
    from standout.batch.bulk.work import BulkWork

EPILOG = show.examples(
    ("standout batch pics/ out/ blur --ledger ledger/", "a folder; again, to continue after a stop"),
    ("standout batch pics/ out/ blur --ledger ledger/ --sample 100", "100 photos first, with a page to look at"),
    ("standout batch s3://in/2024 s3://out/2024 cut --ledger s3://out/ledger --shards 3/16", "a part of a bucket"),
    ("standout batch s3://in/2024 s3://out/2024 cut --ledger s3://out/ledger --ray auto", "by a Ray cluster"),
    ("standout batch list.parquet out/ mask --ledger ledger/", "a list with a column path or url"),
    ("standout batch '{0000..0015}.tar' out/ cut --ledger ledger/", "photos in tar shards"),
    ("standout batch SOURCE TARGET blur --help", "all options of an effect"),
)

_BATCH = "Batch"
_LEFT_OUT = (
    "inputs", "output", "recursive", "overwrite", "report", "review", "strict", "watch", "mask_from", "resume",
    "mirror", "jobs",
)  # fmt: skip
"""Options of Photos that a batch lacks, or that it has of its own."""


def _shared() -> type:
    """The options of Photos that a batch has, too, as a class."""
    hints = get_type_hints(Photos, include_extras=True)
    taken = [one for one in fields(Photos) if one.name not in _LEFT_OUT]
    return make_dataclass(
        "Shared", [(one.name, hints[one.name], field(default=one.default)) for one in taken], frozen=True, kw_only=True,
        namespace={"edit": Photos.edit, "limit": Photos.limit},
    )  # fmt: skip


if TYPE_CHECKING:
    _Shared = Photos
else:
    _Shared = _shared()


@dataclass(frozen=True, kw_only=True)
class Bulk(_Shared):
    """What to do with how many photos; each effect's command is a subclass with the effect's own settings."""

    ledger: Annotated[
        str,
        typer.Option(
            "--ledger", metavar="DIR", rich_help_panel=_BATCH,
            help="The folder or URL in which is recorded what became of each photo, as Parquet files. With the same "
            "ledger, the same command continues after a stop.",
        ),
    ]  # fmt: skip
    shards: Annotated[
        str,
        typer.Option(
            "--shards", metavar="K/N", rich_help_panel=_BATCH,
            help="Do the K-th of N parts, such as 3/16; the machines that do the others need not know of each other.",
        ),
    ] = "1/1"  # fmt: skip
    ray: Annotated[
        str | None,
        typer.Option(
            "--ray", metavar="ADDRESS", rich_help_panel=_BATCH,
            help="Let the workers of a Ray cluster do it: its head's HOST:PORT; auto for the cluster of this machine; "
            "local to start Ray here.",
        ),
    ] = None  # fmt: skip
    retry: Annotated[
        bool, typer.Option("--retry", rich_help_panel=_BATCH, help="Try those again that failed in an earlier run.")
    ] = False
    sample: Annotated[
        int | None,
        typer.Option(
            "--sample", metavar="N", min=1, max=1000, rich_help_panel=_BATCH,
            help="Do only N photos, drawn at random, and write a page with them and their results to the ledger.",
        ),
    ] = None  # fmt: skip
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", rich_help_panel=_BATCH, help="Make results anew that exist, unless the ledger says done."
        ),
    ] = False
    scratch: Annotated[
        Path | None,
        typer.Option(
            "--scratch", metavar="DIR", rich_help_panel=_BATCH,
            help="A local folder for clips from or to an object store. [dim]\\[default: in the temporary folder][/]",
        ),
    ] = None  # fmt: skip
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "-j", metavar="N", min=1, rich_help_panel="Machine",
            help="How many photos are worked on at once. [dim]\\[default: one for each core][/]",
        ),
    ] = None  # fmt: skip


def _group(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A folder or a URL (s3://, gs://, abfs://), a list (.txt, .parquet), or tar files ({0000..0015}.tar).",
        ),
    ],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The folder or the URL for the results.")],
) -> None: ...


def _finish(command: Bulk | None, source: str, target: str) -> int:
    """The exit code of the command that was given for that source and target."""
    return 0 if command is None else run(command, source, target)


def application() -> typer.Typer:
    """The command with an own command for each effect."""
    app = typer.Typer(
        help="Work on a folder, a list or a bucket too large for one machine or one day, and keep a ledger.",
        epilog=EPILOG, no_args_is_help=True, result_callback=_finish, rich_markup_mode="rich",
        subcommand_metavar="EFFECT [OPTIONS]",
    )  # fmt: skip
    app.callback()(_group)
    for effect in known().values():
        made, _ = effects.command(effect, Bulk)
        app.command(effect.name)(made)
    return app


def run(options: Bulk, source: str, target: str) -> int:
    """Carries the options out. Raises StandoutError for what is wrong before the first photo is begun."""
    from standout.batch.bulk.run import run as run_plan

    plan, engine = planned(options, source, target), _engine(options)
    with (
        counted(wanted=not options.quiet) as counter,
        stoppable(wanted=True) as stop,
    ):

        def tell(row: "BulkRow") -> None:
            counter.add(failed=row.status == "failed")
            if options.as_json:
                show.tell(json.dumps(asdict(row), default=str))

        summary = run_plan(plan, engine, stop=stop, on_row=tell, on_total=counter.expect)
    _summed(summary, plan, quiet=options.quiet)
    if summary.stopped:
        show.say("interrupted; the same command goes on from here")
        return INTERRUPTED
    return 1 if summary.failed or summary.failed_before else 0


def planned(options: Bulk, source: str, target: str) -> "BulkPlan":
    """The plan that the options ask for."""
    from standout.batch.bulk.ledger import BulkLedger, arrow
    from standout.batch.bulk.run import BulkPlan
    from standout.batch.bulk.shards import Shards
    from standout.batch.bulk.source import ItemSource
    from standout.batch.bulk.storage import Storage

    arrow()  # what is missing is known first
    place = Storage.of(target)
    with options.edit().effect.begun() as tried:  # what is wrong with the background, before anything is listed
        for note in tried.open(max_pixels=options.limit()):
            show.say(note)
    return BulkPlan(
        ItemSource.of(source, leave_out=(place,)),
        _work(options, place),
        BulkLedger(Storage.of(options.ledger)),
        shards=Shards.of(options.shards),
        retry=options.retry,
        sample=options.sample,
    )


def _work(options: Bulk, place: "Storage") -> "BulkWork":
    """What is done with each item. Files that it needs are named in full, for processes that run elsewhere."""
    from standout.batch.bulk.work import BulkWork
    from standout.batch.photo import PhotoOptions
    from standout.cli.clips import clip_options

    edit = options.edit()
    files = {name: path.absolute() for name, path in edit.effect.files().items()}
    model = Path(options.model)
    return BulkWork(
        replace(edit, effect=replace(edit.effect, **files)).to_json(),
        place,
        format=options.format,
        model=str(model.absolute()) if model.is_file() else options.model,
        runtime=options.runtime,
        device=options.device,
        tta=options.tta,
        photos=PhotoOptions(quality=options.quality, metadata=options.metadata, max_pixels=options.limit()),
        clips=clip_options(options),
        overwrite=options.overwrite,
        scratch=options.scratch and options.scratch.absolute(),
    )


def _engine(options: Bulk) -> "BulkEngine":
    from standout.batch.bulk.local import on_this_machine
    from standout.support.system import cores

    if options.ray is not None:
        from standout.batch.bulk.cluster import on_a_cluster

        return on_a_cluster(options.ray, workers=options.jobs, threads=options.threads or 1)

    workers = options.jobs or cores()
    return on_this_machine(workers, threads=options.threads or max(1, cores() // workers))


def _summed(summary: "BulkSummary", plan: "BulkPlan", *, quiet: bool) -> None:
    """Says what became of the run: counts, where the results are, and the first failures with their reasons."""
    ledger = plan.ledger.place.root
    if not quiet:
        counts = [f"{summary.done:,} done"]
        counts += [f"{summary.kept:,} kept (there already)"] if summary.kept else []
        counts += [f"{summary.skipped:,} skipped"] if summary.skipped else []
        counts += [f"{summary.failed:,} failed"] if summary.failed else []
        counts += [f"{summary.before:,} done before"] if summary.before else []
        rate = f" ({summary.done / summary.seconds:.1f} a second)" if summary.done and summary.seconds else ""
        where = f"results in {plan.work.target.root}, ledger in {ledger}"
        show.say(f"{', '.join(counts)} in {summary.seconds:.1f} s{rate}; {where}")
        for warning, (count, keys) in summary.warnings.items():
            more = f" and {count - len(keys):,} more" if count > len(keys) else ""
            show.say(f"warning: {warning}: {', '.join(keys)}{more}", style="33")
        if summary.sheet is not None:
            show.say(f"look at {summary.sheet}; the same command without --sample does the rest")
    for row in summary.failures:
        reason = row.error or "unknown"
        show.fail(reason if row.key in reason else f"{row.key}: {reason}")
    if summary.failed > len(summary.failures):
        show.fail(f"... and {summary.failed - len(summary.failures):,} more; the ledger names them all")
    if summary.failed_before:
        show.fail(f"failed in earlier runs: {summary.failed_before:,}; --retry tries them again")
