"""A stream sorted: read, cut and decided side by side, and put on disk as it is decided."""
