"""GET /metrics: what the server does, as text for Prometheus.

    standout_requests_total          counter     requests, by route, method and status
    standout_request_seconds         histogram   from a request's header to the end of its answer, by route
    standout_request_bytes_total     counter     bytes of requests' bodies
    standout_queue_places            gauge       places of the queue of photos, all of them and those taken
    standout_photos_total            counter     photos done
    standout_megapixels_total        counter     their megapixels
    standout_jobs                    gauge       jobs on the disk, by status
    standout_worker_restarts_total   counter     worker processes that were started anew
    process_*                        gauges      memory, processor time, open files (on Linux)

No label holds anything that a client chooses: unknown routes and methods count as "other".
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from fastapi import APIRouter
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from standout.serve.jobs.service import Jobs
from standout.serve.service import Service

METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS"})
OTHER = "other"
SECONDS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Upper ends of the histogram's buckets."""


disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each, which says when it began


class Metrics:
    """Counts requests, and reads everything else from the service and the jobs when it is asked."""

    def __init__(self, service: Service, jobs: Jobs) -> None:
        self._service = service
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "standout_requests", "Requests.", ("route", "method", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "standout_request_seconds",
            "Seconds from a request's header to the end of its answer.",
            ("route",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._bytes = Counter("standout_request_bytes", "Bytes of requests' bodies.", registry=self._registry)
        self._registry.register(_State(service, jobs))
        ProcessCollector(registry=self._registry)

    def came(self, count: int) -> None:
        """Counts bytes of a body."""
        self._bytes.inc(count)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts a request. route: as the application declares it, "/v1/jobs/{job_id}"; "" where it knows none."""
        shown = method if method in METHODS else OTHER
        self._requests.labels(route or OTHER, shown, str(status)).inc()
        self._seconds.labels(route or OTHER).observe(seconds)

    def router(self) -> APIRouter:
        """GET /metrics."""
        made = APIRouter(tags=["health"])

        summary = "Counts of requests, photos, jobs and bytes, for Prometheus"

        @made.get("/metrics", summary=summary, response_class=PlainTextResponse)
        async def metrics(request: Request) -> Response:
            self._service.keys.caller(request.headers)
            return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

        return made


class MeasuredRequests:
    """Tells the metrics of every request and answer, see ASGI."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, see ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 0

        async def received() -> Message:
            message = await receive()
            self._metrics.came(len(message.get("body", b"")))
            return message

        async def answered(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, received, answered)
        finally:
            route = getattr(scope.get("route"), "path", "")
            self._metrics.answered(route, scope["method"], status, time.perf_counter() - begun)


class _State(Collector):
    """What the service and the jobs count themselves."""

    def __init__(self, service: Service, jobs: Jobs) -> None:
        self._service, self._jobs = service, jobs

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        queue, meter = self._service.queue, self._service.meter
        places = GaugeMetricFamily("standout_queue_places", "Places of the queue of photos.", labels=("state",))
        places.add_metric(("taken",), queue.taken)
        places.add_metric(("all",), queue.places)
        yield places
        yield CounterMetricFamily("standout_photos", "Photos done.", meter.photos)
        yield CounterMetricFamily("standout_megapixels", "Megapixels of the photos done.", meter.megapixels)
        restarts = self._service.worker_restarts
        yield CounterMetricFamily("standout_worker_restarts", "Worker processes that were started anew.", restarts)
        jobs = GaugeMetricFamily("standout_jobs", "Jobs on the disk.", labels=("status",))
        for status, count in (self._jobs.store.counts() if self._jobs.are_on else {}).items():
            jobs.add_metric((status,), count)
        yield jobs
