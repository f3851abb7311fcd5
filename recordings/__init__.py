"""Nights and their epochs: recordings, feature schemas, ingest, labels, exports."""
