"""Particles cut out of a scan as its lines come."""
