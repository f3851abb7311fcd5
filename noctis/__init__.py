"""Noctis: wiring (settings, urls, celery, launch) and the foundations every app stands on."""

import os

# Before numpy is loaded: its threads would fight for the processors with those that serve.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
