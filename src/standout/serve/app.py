"""ServerSettings -> the FastAPI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse

from standout.models import registry
from standout.serve import docs, own, private, refusals, schema, site
from standout.serve.access import AccessMiddleware
from standout.serve.jobs import routes as job_routes
from standout.serve.jobs.service import Jobs
from standout.serve.metrics import MeasuredRequests, Metrics
from standout.serve.removebg import routes
from standout.serve.service import Service
from standout.serve.settings import ServerSettings
from standout.serve.workers.child import Setup
from standout.serve.workers.pool import Pool, ProcessPool, ThreadPool
from standout.support.version import __version__
from standout.types import PersonFinder


def create(settings: ServerSettings, finder: PersonFinder | None = None) -> FastAPI:
    """The application. finder: what finds the people, in threads; None means the model of the settings, in processes.

    The model is loaded while the server starts. Raises ModelError for a model that is not known.
    """
    if finder is None:
        registry.find(settings.model)
    service = Service(settings, ThreadPool(finder, workers=settings.workers) if finder else _processes(settings))
    jobs = Jobs(settings.jobs)
    metrics = Metrics(service, jobs)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await jobs.start()
        service.start()
        try:
            yield
        finally:
            await jobs.close()
            service.close()

    app = FastAPI(
        title="standout",
        version=__version__,
        description="Finds the people in photos and removes what is behind them, on this machine.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.jobs = jobs
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=("GET", "POST", "DELETE"),
            allow_headers=("*",),
            expose_headers=(*routes.EXPOSED, *job_routes.EXPOSED),
        )
    app.add_middleware(AccessMiddleware, settings=settings)
    app.add_middleware(MeasuredRequests, metrics=metrics)
    refusals.add_handlers(app)
    app.include_router(routes.router(service))
    app.include_router(own.router(service))
    app.include_router(job_routes.router(service, jobs))
    app.include_router(metrics.router())
    app.include_router(docs.router(app))
    _add_health(app, service)
    schema.complete(app, needs_key=bool(settings.keys))
    private.add(app, settings)
    site.add(app, settings, private=private.is_available())
    return app


def _processes(settings: ServerSettings) -> Pool:
    setup = Setup(settings.model, settings.runtime, settings.device, settings.most_memory)
    return ProcessPool(setup, workers=settings.workers, seconds=settings.timeout)


def _add_health(app: FastAPI, service: Service) -> None:
    health_schema = schema.record({"status": {"const": "ok"}})
    ready_schema = schema.record(
        {"status": {"enum": ["ready", "not ready"]}, "model": schema.SWITCH, "free": schema.INTEGER}
    )
    ready_answers = schema.plain(ready_schema, summary="It is ready.")
    either = {"oneOf": [ready_schema, schema.ERRORS]}
    ready_answers[503] = schema.plain(either, summary="It is not ready, or too many connections are open.")[200]

    @app.get(
        "/healthz",
        tags=["health"],
        summary="Whether the server runs",
        responses=schema.plain(health_schema, summary="It runs."),
    )
    async def health() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @app.get(
        "/readyz",
        tags=["health"],
        summary="Whether the model is loaded and a place of the queue is free",
        responses=ready_answers,
    )
    async def ready() -> JSONResponse:
        free = service.queue.places - service.queue.taken
        is_ready = service.is_ready and free > 0
        told = {"status": "ready" if is_ready else "not ready", "model": service.is_ready, "free": free}
        return JSONResponse(told, HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE)
