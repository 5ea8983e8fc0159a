"""Pairs on disk to manifest, splits that cannot leak, representation, and batches."""
