"""A request -> a job in the queue: received, checked, planned and taken on, or refused without a trace."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.requests import Request

from standout.models.registry import REGISTRY
from standout.serve.jobs import child, folders, upload
from standout.serve.jobs.order import JobOrder, JobPlan
from standout.serve.jobs.service import Jobs
from standout.serve.jobs.store import JobRecord
from standout.serve.refusals import Refusal, bad_request, by_status
from standout.serve.service import Service

log = logging.getLogger(__name__)


async def taken(request: Request, caller: str, service: Service, jobs: Jobs) -> JobRecord:
    """The job that the request asks for, in the queue. Raises Refusal where it cannot be taken on."""
    told = request.headers.get("content-length", "0")
    if not told.isdecimal() or int(told) > jobs.settings.most_bytes + upload.PIECE:
        raise upload.too_large(told, jobs.settings.most_bytes)
    with jobs.place():
        await _check_room(jobs, int(told))
        async with _new_folder(jobs) as (name, folder):
            given = await upload.received(request, folder, jobs.settings, seconds=service.settings.seconds)
            await _check_room(jobs, 0)  # a body may come without its length
            await asyncio.to_thread(_order(given, service, jobs).write, folder)
            async with jobs.checks:
                await _check(folder)
            plan = await asyncio.to_thread(JobPlan.read, folder)
            job = JobRecord(name, caller, "queued", jobs.clock(), plan.name, plan.media_type, plan.total, plan.target)
            if await request.is_disconnected():
                raise bad_request("the client left before its job was taken on")
            jobs.add(job)
    return job


def _order(given: upload.Uploaded, service: Service, jobs: Jobs) -> JobOrder:
    """The order that the request's fields make."""
    try:
        edit = json.loads(given.fields.get("edit") or "{}")
    except (ValueError, RecursionError) as error:
        raise bad_request(f"edit is not JSON ({error or 'nested too deeply'})") from None
    if not isinstance(edit, dict):
        raise bad_request(f"edit is a JSON {type(edit).__name__}; wanted an object")
    settings = service.settings
    model = settings.model if settings.model in REGISTRY else str(Path(settings.model).absolute())
    return JobOrder(
        tuple(given.files), edit, jobs.settings, given.background, given.fields.get("format") or None,
        model, settings.runtime, settings.device, settings.most_bytes, settings.most_pixels,
    )  # fmt: skip


@asynccontextmanager
async def _new_folder(jobs: Jobs) -> AsyncIterator[tuple[str, Path]]:
    """A new job's name and folder, which is deleted where the block fails, for whatever reason."""
    name = folders.new_id()
    try:
        yield name, await asyncio.to_thread(jobs.folders.make, name)
    except BaseException as error:
        await asyncio.shield(asyncio.to_thread(jobs.folders.remove, name))
        if isinstance(error, OSError | sqlite3.Error):
            log.error("a job cannot be stored: %s", error)
            raise _no_room("the disk is full, or cannot be written; the server's log says more") from None
        raise


async def _check(folder: Path) -> None:
    """Has the upload checked, and its plan made, by a process of its own. Raises Refusal for what is wrong with it."""
    last: dict[str, Any] = {}
    async with child.started("check", folder) as process:
        async for report in process.reports():
            last = report
        if not last:
            log.error("the process that checks an upload ended: %s", await process.ended())
    if not last:
        raise bad_request("the files could not be read: the process that looked into them ended; send others")
    if last.get("code") == "internal_server_error":
        raise by_status(HTTPStatus.INTERNAL_SERVER_ERROR)
    if "error" in last:
        title = "The request cannot be used"
        raise Refusal(HTTPStatus.BAD_REQUEST, last["code"], title=title, detail=last["error"])


async def _check_room(jobs: Jobs, more: int) -> None:
    """Raises Refusal where so many more bytes would be too many."""
    used = await asyncio.to_thread(jobs.folders.used)
    if used + more > jobs.settings.most_disk:
        raise _no_room(f"jobs take {used:,} of {jobs.settings.most_disk:,} bytes; delete some, or come again later")


def _no_room(detail: str) -> Refusal:
    status = HTTPStatus.INSUFFICIENT_STORAGE
    return Refusal(status, "no_room", title="There is no room", detail=detail, headers={"Retry-After": "600"})
