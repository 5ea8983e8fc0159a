"""From counts to numbers: particle mask, geometry, representation."""
