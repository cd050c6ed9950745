"""What the tool raises for input it refuses; cli.py turns it into one line and an exit code."""

from pathlib import Path


class ToolError(Exception):
    """Refused, with a reason of one line that names file, field and remedy. Exit code 1."""

    exit_code = 1


class UsageError(ToolError):
    """The command line itself makes no sense. Exit code 2."""

    exit_code = 2


def os_error(path: Path | str, error: OSError) -> ToolError:
    """Give an error of the operating system the shape of ours."""
    what = (error.strerror or str(error)).lower()
    return ToolError(f"{path}: {what}")
