"""`standout serve`: an HTTP server for photos and clips, with the API of remove.bg and an API of its own."""

# Typer looks at these annotations as the program runs, so they must not be turned into strings by a __future__ import.

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from standout.cli.options import Device, Model, Runtime
from standout.cli.show import examples, needs_extra, say
from standout.serve.jobs.settings import JobSettings
from standout.serve.settings import GIGABYTE, MEGABYTE, ServerSettings

EPILOG = examples(
    ("standout serve", "on this machine alone"),
    ("standout serve --host 0.0.0.0 --keys keys.txt", "for others, with a key"),
    ("standout serve --cors https://shop.example", "for the pages of a site"),
    ("standout serve --export site/", "its page as a static site, where all is done in the browser"),
    ("curl -F image_file=@a.jpg http://127.0.0.1:8700/v1.0/removebg -o a.png", "a photo"),
    ('curl -F file=@a.mp4 -F \'edit={"effect": {"name": "blur"}}\' http://127.0.0.1:8700/v1/jobs', "a clip"),
)
_ACCESS, _LIMITS, _JOBS, _SITE = "Access", "Limits", "Jobs", "Static site"


@dataclass(frozen=True, kw_only=True)
class ServeCommand:
    """Serve photos and clips over HTTP, by the API of remove.bg and an API of its own. Nothing leaves this machine.

    A program that calls remove.bg only needs another address: http://127.0.0.1:8700/v1.0/removebg. The page /docs lists
    all addresses. Ctrl-C ends the server once the photos in work are done; the next one goes on
    with its jobs.
    """

    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="The address to listen on. One that others can reach needs a key.")
    ] = ServerSettings.host
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="The port; 0 takes any free one.")] = (
        ServerSettings.port
    )
    key: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", rich_help_panel=_ACCESS, help="A key that requests must bring; can be repeated."),
    ] = None
    keys: Annotated[
        Path | None,
        typer.Option(metavar="FILE", rich_help_panel=_ACCESS, help="A text file with one such key in each line."),
    ] = None
    cors: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN", rich_help_panel=_ACCESS, help="A site whose pages may ask, or '*'; can be repeated."
        ),
    ] = None
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            show_default=False,
            rich_help_panel=_LIMITS,
            help="Worker processes, each with one photo in work. [dim]\\[default: one for each core][/]",
        ),
    ] = None
    queue: Annotated[
        int,
        typer.Option(metavar="N", min=1, rich_help_panel=_LIMITS, help="Requests at once; more are answered by 429."),
    ] = ServerSettings.places
    rate: Annotated[
        int, typer.Option(metavar="MP", min=1, rich_help_panel=_LIMITS, help="Megapixels a minute for each key.")
    ] = ServerSettings.rate
    max_mb: Annotated[
        int, typer.Option(metavar="MB", min=1, rich_help_panel=_LIMITS, help="The most megabytes of a picture.")
    ] = ServerSettings.most_bytes // MEGABYTE
    max_mp: Annotated[
        int, typer.Option(metavar="MP", min=1, rich_help_panel=_LIMITS, help="The most megapixels of a picture.")
    ] = ServerSettings.most_pixels // 1_000_000
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=1, rich_help_panel=_LIMITS, help="The most seconds for a photo.")
    ] = ServerSettings.timeout
    memory: Annotated[
        int,
        typer.Option(
            metavar="GB", min=0, rich_help_panel=_LIMITS, help="The most memory of a worker (Linux); 0 sets no limit."
        ),
    ] = ServerSettings.most_memory // GIGABYTE
    jobs_folder: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            rich_help_panel=_JOBS,
            help="Where jobs and their results are kept. [dim]\\[default: in your folder for the state of programs][/]",
        ),
    ] = None
    job_workers: Annotated[int, typer.Option(metavar="N", min=1, rich_help_panel=_JOBS, help="Jobs at once.")] = (
        JobSettings.workers
    )
    job_queue: Annotated[
        int,
        typer.Option(metavar="N", min=1, rich_help_panel=_JOBS, help="Jobs that wait or run; more get 429."),
    ] = JobSettings.places
    max_job_mb: Annotated[
        int, typer.Option(metavar="MB", min=1, rich_help_panel=_JOBS, help="The most megabytes of a job's files.")
    ] = JobSettings.most_bytes // MEGABYTE
    max_job_files: Annotated[
        int, typer.Option(metavar="N", min=1, rich_help_panel=_JOBS, help="The most files of a job.")
    ] = JobSettings.most_files
    max_job_seconds: Annotated[
        int, typer.Option(metavar="S", min=1, rich_help_panel=_JOBS, help="The longest clip, in seconds.")
    ] = JobSettings.most_seconds
    max_job_frames: Annotated[
        int, typer.Option(metavar="N", min=1, rich_help_panel=_JOBS, help="The most frames of a clip.")
    ] = JobSettings.most_frames
    jobs_disk_mb: Annotated[
        int,
        typer.Option(metavar="MB", min=1, rich_help_panel=_JOBS, help="The most megabytes of all jobs together."),
    ] = JobSettings.most_disk // MEGABYTE
    keep_hours: Annotated[
        float, typer.Option(metavar="H", rich_help_panel=_JOBS, help="Hours for which results can be downloaded.")
    ] = JobSettings.keep_hours
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            rich_help_panel=_SITE,
            help="Write the page as a static site into a new folder, and serve nothing: any web host can serve it, and "
            "photos stay in the browser.",
        ),
    ] = None
    overwrite: Annotated[
        bool, typer.Option("--overwrite", rich_help_panel=_SITE, help="Let --export replace files in the folder.")
    ] = False
    model: Model = ServerSettings.model
    runtime: Runtime = ServerSettings.runtime
    device: Device = ServerSettings.device
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False

    def run(self) -> int:
        """Serves until a signal ends it; returns the exit code. Raises StandoutError for what is wrong at the start."""
        with needs_extra("the server", "serve"):
            from standout.serve import export_site, keys, listen, private
        from standout.support.system import cores

        told: Callable[[str], None] = (lambda text: None) if self.quiet else say
        if self.export is not None:
            size = export_site.export(self.export, model=self.model, overwrite=self.overwrite)
            told(f"wrote {self.export}, {size / 1e6:.0f} MB; give it to a web host, or look at it by")
            told(f"python -m http.server --directory {shlex.quote(str(self.export))}")
            return 0
        if not private.is_available():
            told(f"private mode is off, as onnxruntime-web is not in this package; {private.CURE}")

        settings = ServerSettings(
            host=self.host,
            port=self.port,
            keys=(*(self.key or ()), *(keys.read(self.keys) if self.keys else ())),
            origins=tuple(self.cors or ()),
            model=self.model,
            runtime=self.runtime,
            device=self.device,
            workers=self.workers or cores(),
            places=self.queue,
            rate=self.rate,
            most_bytes=self.max_mb * MEGABYTE,
            most_pixels=self.max_mp * 1_000_000,
            timeout=self.timeout,
            most_memory=self.memory * GIGABYTE,
            jobs=JobSettings(
                folder=self.jobs_folder,
                workers=self.job_workers,
                places=self.job_queue,
                most_bytes=self.max_job_mb * MEGABYTE,
                most_files=self.max_job_files,
                most_seconds=self.max_job_seconds,
                most_frames=self.max_job_frames,
                most_disk=self.jobs_disk_mb * MEGABYTE,
                keep_hours=self.keep_hours,
            ),
        )
        listen.serve(settings, told=lambda url: told(f"serving at {url}"))
        return 0
