"""Noctis: wiring (settings, urls, celery, launch) and the foundations every app stands on."""
