"""Which network and training are best for the job: a search, and what it found measured on fresh data."""
