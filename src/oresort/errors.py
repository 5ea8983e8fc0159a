"""The errors that are nobody's defect: what a user handed in, and being told to stop."""

import errno

_ROOM = "free some space"
_OF_THE_DISK = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: "allow larger files",
    errno.EROFS: "name a folder you may write to",
    errno.EACCES: "see to its permissions",
    errno.EPERM: "see to its permissions",
    errno.EIO: "see to the disk",
    # a folder that cannot be, or was removed meanwhile; a share that has gone
    errno.ENOENT: "see whether its folder is there",
    **dict.fromkeys((errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.EHOSTDOWN), "see to the share"),
    errno.EISDIR: "name a file",
    errno.ENOTDIR: "name a folder",
    errno.EEXIST: "name another folder",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.ELOOP: "mend the links",
    errno.ENOMEM: "free some memory",
}


class InputError(Exception):
    """Something the user handed in cannot be used.

    The message is one line: the file or key, what is wrong, and the mend. Commands print it without a
    stack trace and exit with 1.
    """


class Interrupted(KeyboardInterrupt):
    """The process was told to stop by a signal; commands print the message and exit with `code`, as shells do."""

    def __init__(self, message: str = "interrupted", code: int = 130) -> None:
        super().__init__(message)
        self.code = code  # 128 and the signal's number: 130 of Ctrl-C, 143 of a scheduler


def one_line(error: BaseException) -> str:
    """Return an error's message on one line, or its type's name where it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def of_the_disk(error: OSError) -> InputError | None:
    """Return what a full disk, or one that is not writable, means to a user; None for another error."""
    mend = _OF_THE_DISK.get(error.errno or 0)
    where = f"{error.filename}: " if error.filename else ""
    return InputError(f"{where}{error.strerror}; {mend} and run the same command again") if mend else None
