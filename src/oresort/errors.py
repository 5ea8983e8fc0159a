"""The one error that a user's input can cause."""


class InputError(Exception):
    """Something the user handed in cannot be used.

    The message is one line: the file or key, what is wrong, and the mend. Commands print it without a
    stack trace and exit with 1.
    """


def one_line(error: BaseException) -> str:
    """Return an error's message on one line, or its type's name where it has none."""
    return " ".join(str(error).split()) or type(error).__name__
