"""Files of the output folder: readable by their owner only, and whole or not there at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

DRAFT = ".draft"


def private_folder(path: Path) -> Path:
    """Makes the folder where it is missing, mode 0700: it holds personal data."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write that replaces `path` in one step when the block ends well; else nothing changes.

    Raises OSError, e.g. on a full disk.
    """
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=DRAFT)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def write_whole(path: Path, content: str | bytes) -> None:
    """Replaces a file in one step: a reader sees the old content or the new. A file that says so already stays.

    Raises OSError.
    """
    data = content.encode() if isinstance(content, str) else content
    if path.is_file() and path.read_bytes() == data:
        return
    with whole_file(path) as file:
        file.write(data)


def remove_drafts(*folders: Path) -> None:
    """Deletes what a killed run left half-written; nobody else may be writing there."""
    for folder in folders:
        for draft in folder.glob(f".*{DRAFT}"):
            draft.unlink()
