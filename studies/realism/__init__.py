"""Real against simulated scans: the same measurements on both, as tables and figures."""
