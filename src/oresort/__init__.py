"""Dual-energy X-ray ore sorting: from raw scans to a trained, evaluated and applied sorter."""

__version__ = "0.1.0"
