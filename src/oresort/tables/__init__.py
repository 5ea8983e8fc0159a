"""Many runs as tables, intervals and pictures."""
