"""The one error that a user's input can cause."""


class InputError(Exception):
    """Something the user handed in cannot be used.

    The message is one line: the file or key, what is wrong, and the mend. Commands print it without a
    stack trace and exit with 1.
    """
