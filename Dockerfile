# syntax=docker/dockerfile:1
# The service, for every role it has: `serve`, `serve --no-worker`, `worker`, `migrate`, and what an operator runs.

# The web UI: Node is there only while it is built.
FROM node:22-slim AS web
WORKDIR /web/frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci --ignore-scripts
COPY schema/schema.graphql ../schema/schema.graphql
COPY frontend ./
RUN npm run build

FROM python:3.11-slim AS build
WORKDIR /srv
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
COPY constraints-tracing.txt ./
RUN /venv/bin/pip install --require-hashes --only-binary :all: -r constraints-tracing.txt
COPY access ./access
COPY app ./app
COPY billing ./billing
COPY integrations ./integrations
COPY models ./models
COPY operations ./operations
COPY resolvers ./resolvers
COPY rest ./rest
COPY schema ./schema
COPY telemetry ./telemetry
COPY webhooks ./webhooks
RUN /venv/bin/python -m compileall -q .

FROM python:3.11-slim
RUN groupadd --gid 10001 billing \
    && useradd --uid 10001 --gid billing --home-dir /srv --no-create-home --shell /usr/sbin/nologin billing \
    && install --directory --owner billing --group billing --mode 0700 /data
COPY --from=build /venv /venv
COPY --from=build /srv /srv
COPY --from=web /web/frontend/out /srv/build/web
WORKDIR /srv
# The root file system may be read-only: written to is /data alone, and only with SQLite.
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ENVIRONMENT=production \
    HOST=0.0.0.0 \
    PORT=3000 \
    DATA_DIR=/data \
    LOG_FORMAT=json
USER 10001:10001
VOLUME ["/data"]
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health', timeout=4)"]
ENTRYPOINT ["python", "-m", "app"]
CMD ["serve"]
