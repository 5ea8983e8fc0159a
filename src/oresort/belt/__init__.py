"""Synthetic particles on a belt, imaged through the physics of `xray`, with exact ground truth."""

from oresort.belt.dataset import write_pairs, write_scans
from oresort.belt.scan import simulate_scan

__all__ = ["simulate_scan", "write_pairs", "write_scans"]
