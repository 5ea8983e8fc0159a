"""Results as one page that a person can send, and the same numbers as JSON beside it."""
