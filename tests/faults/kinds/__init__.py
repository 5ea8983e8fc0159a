"""The table of faults, by group."""
