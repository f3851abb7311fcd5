"""What the embedded servers say when they cannot: one line that tells what to do."""

import errno


class EmbeddedError(Exception):
    """The message is one line for the person who typed the command."""


def explain_os_error(doing: str, error: OSError) -> EmbeddedError:
    """Turn the system's refusal into a line with the usual remedy."""
    remedies = {
        errno.ENOSPC: "the disk is full: free 200 MB and start again",
        errno.EDQUOT: "your disk quota is used up: free 200 MB and start again",
        errno.EROFS: "the file system is read-only: set NOCTIS_VAR_DIR to a folder you can write",
        errno.EACCES: "no permission: use the user who started Noctis here before, "
        "or set NOCTIS_VAR_DIR to a folder of your own",
    }
    remedies[errno.EPERM] = remedies[errno.EACCES]
    reason = remedies.get(error.errno or 0, error.strerror or str(error))
    where = f" {error.filename}" if error.filename else ""
    return EmbeddedError(f"cannot {doing}{where}: {reason}")
