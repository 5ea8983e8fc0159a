"""Layers of Kolmogorov-Arnold networks, their bases and their learned functions."""
