"""Tests of the charts that the server draws."""
