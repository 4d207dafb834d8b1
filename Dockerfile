# syntax=docker/dockerfile:1
# Training people masks in a container, on a CPU or with CUDA, with the versions of constraints.txt.
#   CPU:   docker build -t standout .
#   CUDA:  docker build -t standout:cuda --build-arg BASE=nvidia/cuda:12.8.1-runtime-ubuntu24.04 .
#   run:   docker run --rm -v "$PWD:/work" standout train recipes/picsart-mobilenetv2.toml -o runs/p
# With --gpus all --shm-size 8g on a machine with GPUs: batches travel through shared memory.
ARG BASE=ubuntu:24.04
FROM ${BASE}

# An index to take torch from, where that is not pip's default: torch's CPU-only one makes the image ten times smaller.
ARG TORCH_INDEX=""
SHELL ["/bin/bash", "-o", "pipefail", "-c"]

# Versions of system packages follow the base image, which is pinned by its tag.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /opt/standout \
    && useradd --create-home --uid 10001 standout
ENV PATH=/opt/standout/bin:$PATH \
    PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1

WORKDIR /src
COPY constraints.txt ./
# torch in a layer of its own: it is large and changes seldom.
RUN pip install --constraint constraints.txt ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch torchvision
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
# hadolint ignore=DL3013
RUN pip install --constraint constraints.txt ".[train,prune]"

# Nobody needs root to train; what is written to /work belongs to this user.
USER 10001
WORKDIR /work
ENTRYPOINT ["standout"]
CMD ["--help"]
