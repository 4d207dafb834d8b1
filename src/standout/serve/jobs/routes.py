"""/v1/jobs: clips and folders of photos, which take longer than a request may.

POST /v1/jobs               file (one or more), edit, background, format -> 202 and the job
GET /v1/jobs                the caller's jobs, the latest first
GET /v1/jobs/ID             a job
GET /v1/jobs/ID/events      the same as server-sent events, at every change, until the job ends
GET /v1/jobs/ID/result      the clip or photo, or a ZIP file where several were sent
DELETE /v1/jobs/ID          cancels a job that waits or runs, or deletes one that has ended
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from standout.serve.jobs import folders, schema
from standout.serve.jobs.intake import taken
from standout.serve.jobs.service import Jobs
from standout.serve.jobs.store import JobRecord
from standout.serve.refusals import Refusal
from standout.serve.service import Service

EXPOSED = ("Location", "Content-Disposition", "Content-Range", "ETag")
"""Headers that pages of other sites may read."""


def router(service: Service, jobs: Jobs) -> APIRouter:
    """The addresses."""
    made = APIRouter(prefix="/v1/jobs", tags=["jobs"])

    @made.post(
        "",
        status_code=202,
        summary="Clips or photos to be edited in the background",
        responses=schema.TAKEN,
        openapi_extra=schema.BODY,
    )
    async def add(request: Request) -> JSONResponse:
        job = await taken(request, service.keys.caller(request.headers), service, jobs)
        return JSONResponse(_view(job, jobs), HTTPStatus.ACCEPTED, {"Location": f"/v1/jobs/{job.id}"})

    @made.get("", summary="The caller's jobs, the latest first", responses=schema.LISTED)
    async def every(request: Request) -> JSONResponse:
        caller = service.keys.caller(request.headers)
        return JSONResponse({"jobs": [_view(job, jobs) for job in jobs.store.all(caller)]})

    async def own(request: Request, job_id: str) -> JobRecord:
        """The job, if it is the caller's."""
        caller = service.keys.caller(request.headers)
        job = jobs.store.find(job_id) if folders.is_id(job_id) else None
        if job is None or job.owner != caller:
            raise _missing()
        return job

    _add_job(made, jobs, Depends(own))
    return made


def _add_job(made: APIRouter, jobs: Jobs, mine: Any) -> None:
    """Adds the addresses of a single job. mine: the dependency that finds it."""

    @made.get("/{job_id}", summary="A job: its status, how far it is, and where its result is", responses=schema.SHOWN)
    async def one(job: JobRecord = mine) -> JSONResponse:
        return JSONResponse(_view(job, jobs))

    @made.get(
        "/{job_id}/events",
        summary="The job at every change, as server-sent events named job, until it has ended",
        response_class=EventSourceResponse,
    )
    async def events(job: JobRecord = mine) -> AsyncIterator[ServerSentEvent]:
        last = None
        while not jobs.watchers.is_over:
            changed = jobs.watchers.next(job.id)
            found = jobs.store.find(job.id)
            if found is None:
                return
            if (seen := _view(found, jobs)) != last:
                last = seen
                yield ServerSentEvent(event="job", raw_data=json.dumps(seen))
            if found.has_ended:
                return
            await changed.wait()

    @made.get(
        "/{job_id}/result",
        summary="The result; parts of it by Range",
        response_class=FileResponse,
        responses=schema.RESULT,
    )
    async def result(request: Request, job: JobRecord = mine) -> Response:
        path = jobs.folders.of(job.id) / job.target
        if job.status != "done" or not await asyncio.to_thread(path.is_file):
            detail = f"the job is {job.status} and has no result; ask at /v1/jobs/{job.id} how far it is"
            raise Refusal(HTTPStatus.CONFLICT, "no_result", title="There is no result", detail=detail)
        if not _is_range(request.headers.get("range", "")):  # which a server may ignore
            request.scope["headers"] = [pair for pair in request.scope["headers"] if pair[0] != b"range"]
        stat = await asyncio.to_thread(path.stat)
        return FileResponse(path, media_type=job.media_type, filename=job.name.rpartition("/")[2], stat_result=stat)

    @made.delete("/{job_id}", summary="Cancels a job, or deletes one that has ended", responses=schema.DELETED)
    async def delete(job: JobRecord = mine) -> Response:
        if job.has_ended:
            await jobs.remove(job.id)
            return Response(status_code=HTTPStatus.NO_CONTENT)
        await jobs.runner.cancel(job.id)
        return JSONResponse(_view(jobs.store.find(job.id) or job, jobs))


def _is_range(text: str) -> bool:
    """Whether the text of a Range header makes sense.

    >>> [_is_range(text) for text in ("bytes=0-9", "bytes=5-", "bytes=-5,7-8", "bytes=9-5", "bytes=-", "pages=1-2")]
    [True, True, True, False, False, False]
    """
    part = r"(\d{1,18}-\d{0,18}|-\d{1,18})"
    if not re.fullmatch(rf"bytes={part}(, *{part})*", text, re.ASCII):
        return False
    return all(int(begin) <= int(end) for begin, end in re.findall(r"(\d+)-(\d+)", text))


def _missing() -> Refusal:
    detail = "there is no such job, or its time is over; GET /v1/jobs lists yours"
    return Refusal(HTTPStatus.NOT_FOUND, "not_found", title="Not Found", detail=detail)


def _view(job: JobRecord, jobs: Jobs) -> dict[str, Any]:
    """The job as JSON."""
    reached, before = jobs.runner.reached.get(job.id), jobs.store.before(job)
    done, total = (reached.done, reached.total) if reached else (job.done, job.total)
    share = 1.0 if job.status == "done" else reached.share if reached else 0.0
    message = job.message
    if job.status == "queued" and before:
        message = f"it waits for {before} job{'s' if before > 1 else ''} before it"
    return {
        "id": job.id,
        "status": job.status,
        "progress": round(share, 4),
        "done": done,
        "total": total,
        "message": message,
        "error": job.error,
        "created": _moment(job.created),
        "expires": None if job.expires is None else _moment(job.expires),
        "result": f"/v1/jobs/{job.id}/result" if job.status == "done" else None,
        "media_type": job.media_type,
        "name": job.name,
    }


def _moment(seconds: float) -> str:
    """The time in ISO 8601.

    >>> _moment(0.0)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")
