# One image for the web server, the worker, beat and every command: docs/deployment.md.
# Pin it to a digest before you rely on it: docker buildx imagetools inspect python:3.13.14-slim-trixie
ARG PYTHON_IMAGE=python:3.13.14-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ENV PYTHON=python3 PIP_NO_CACHE_DIR=1
WORKDIR /app
# The packages first: they are installed again only when a lock file has changed.
COPY deploy/install.sh deploy/install.sh
COPY requirements.lock requirements-build.lock ./
# Every package by the hashes of the lock; what installs and builds does not stay.
RUN sh deploy/install.sh requirements.lock \
 && .venv/bin/python -m pip uninstall --quiet --yes setuptools pip \
 && rm .venv/install.log
COPY . .
RUN .venv/bin/python -m compileall -q deploy devices inference mlops noctis operations recordings tenants

FROM ${PYTHON_IMAGE}
# What the base image installs with goes as well.
RUN python3 -m pip uninstall --quiet --yes --root-user-action=ignore pip \
 && rm -rf /usr/local/lib/python3.13/ensurepip
# A number, so that an orchestrator can see that it is not root.
RUN groupadd --gid 10001 noctis \
 && useradd --uid 10001 --gid noctis --no-create-home --home-dir /tmp --shell /usr/sbin/nologin noctis \
 && install --directory --owner=noctis --group=noctis --mode=0700 \
        /run/noctis /var/lib/noctis /var/lib/noctis/backups /var/lib/noctis/models
# Owned by root and not writable: whoever takes over a process cannot change what runs next.
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NOCTIS_ENV=production \
    HOST=0.0.0.0 \
    PORT=8000 \
    NOCTIS_VAR_DIR=/var/lib/noctis \
    BACKUP_DIR=/var/lib/noctis/backups \
    MODELS_DIR=/var/lib/noctis/models \
    PROMETHEUS_MULTIPROC_DIR=/run/noctis
USER 10001:10001
EXPOSE 8000
# Whether the process lives; /readyz says whether it can serve, and is for the balancer.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["gunicorn", "--config", "deploy/gunicorn.conf.py", "noctis.wsgi"]
