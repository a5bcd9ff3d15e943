# syntax=docker/dockerfile:1
# The image that compose.yaml runs. It holds what uv.lock names, our package, and PostgreSQL's client for backups.

FROM python:3.11-slim-bookworm AS build
COPY --from=ghcr.io/astral-sh/uv:0.9 /uv /usr/local/bin/uv
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /app
# What of pyproject.toml's optional dependencies is in the image: docs/operations.md, "In containers".
ARG EXTRAS="s3"
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv \
    set -- && for extra in $EXTRAS; do set -- "$@" --extra "$extra"; done \
    && uv sync --frozen --no-dev "$@" --no-install-project
COPY README.md LICENSE NOTICE ./
COPY src ./src
RUN --mount=type=cache,target=/root/.cache/uv \
    set -- && for extra in $EXTRAS; do set -- "$@" --extra "$extra"; done \
    && uv sync --frozen --no-dev "$@" --no-editable

FROM python:3.11-slim-bookworm
# Packages come in the newest version of their release, with its security fixes; the client must be as new as the server.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates postgresql-common \
    && /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y \
    && apt-get install --yes --no-install-recommends postgresql-client-18 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home matinee \
    && install --directory --owner=matinee --group=matinee --mode=0700 /data
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 MATINEE_DATA_DIR=/data
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["matinee"]
CMD ["serve", "--host", "0.0.0.0"]
