# syntax=docker/dockerfile:1
# The server in a container, on a CPU. From the project's root:
#   build:  docker build -f docker/serve.Dockerfile -t standout-serve .
#   run:    docker compose -f docker/compose.yaml up       # with keys.txt beside compose.yaml
FROM python:3.13-slim AS build

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY src ./src
# Wheels alone: nothing is compiled, so no compiler is needed.
# hadolint ignore=DL3013
RUN python -m venv /opt/standout \
    && /opt/standout/bin/pip install --only-binary :all: --constraint constraints.txt ".[serve]"

FROM python:3.13-slim

# The user owns nothing but the folder of the jobs.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin standout \
    && install --directory --owner=10001 --mode=0700 /var/lib/standout
COPY --from=build /opt/standout /opt/standout
ENV PATH=/opt/standout/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    XDG_STATE_HOME=/var/lib

USER 10001
WORKDIR /var/lib/standout
VOLUME /var/lib/standout
EXPOSE 8700
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8700/healthz', timeout=4)"]
ENTRYPOINT ["standout", "serve"]
CMD ["--host", "0.0.0.0", "--keys", "/run/secrets/keys"]
