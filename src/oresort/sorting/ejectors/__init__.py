"""From decisions to valves: which nozzles blow when, and what else they hit."""
