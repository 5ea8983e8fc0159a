"""Numbers of things as people read them."""


def counted(number: int, noun: str) -> str:
    """Return `1 scan`, `0 scans`, `3,120 scans` for a number and the `noun` in its singular."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
