"""From a raw dual-energy scan to particle pairs: read, level, register, segment, cut, draw."""
