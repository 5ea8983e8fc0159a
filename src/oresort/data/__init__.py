"""Pairs on disk to splits that cannot leak, and to batches."""
