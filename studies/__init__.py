"""Studies: questions about the package itself, each one command."""
