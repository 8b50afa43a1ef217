"""One thread that does for the server what may stall it: syncing, closing and removing files, in the order asked for.

The serving thread asks, and looks at the counts; only this thread touches `_done`, `error` and `synced_offset`.
Python's own lock is free while the system syncs. The thread starts with the first job, and a forked child has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from respd.persistence.disk import Disk

if TYPE_CHECKING:
    import threading
    from queue import SimpleQueue

_SYNC: Final = 0
_RETIRE: Final = 1
_CLOSE: Final = 2
_STOP: Final = 3


class _Job:
    def __init__(self, kind: int, fd: int, offset: int) -> None:
        self.kind = kind
        self.fd = fd
        self.offset = offset


class Background:
    """The thread's desk. `error` is why the last sync failed, None if it did not.

    `synced_offset` is how much of the stream of effects is on the disk by its work.
    """

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._jobs: SimpleQueue[_Job] | None = None
        self._asked = 0
        self._done = 0
        self._worker: threading.Thread | None = None
        self.error: OSError | None = None
        self.synced_offset = -1

    def sync(self, fd: int, offset: int) -> None:
        """Have what was written to `fd` on the disk, up to `offset` of the stream of effects."""
        self._asked += 1
        self._put(_Job(_SYNC, fd, offset))

    def retire(self, fd: int, offset: int) -> None:
        """Sync a file that is written no more, and close it.

        This counts as a pending sync: what is written to the next file should not be on the disk before it.
        """
        self._asked += 1
        self._put(_Job(_RETIRE, fd, offset))

    def remove(self, path: str) -> None:
        """Remove a file, should it be there: its name at once, its blocks, which takes longer, in the thread."""
        try:
            fd = self._disk.open_read(path)
        except OSError:
            return
        try:
            self._disk.unlink(path)
        except OSError:
            pass  # a later start removes it
        self._put(_Job(_CLOSE, fd, 0))

    def pending_syncs(self) -> int:
        """Return how many syncs are asked for and not done."""
        return self._asked - self._done

    def drain(self) -> None:
        """Wait until all jobs are done."""
        if self._worker is not None:
            self._put(_Job(_STOP, 0, 0))
            self._worker.join()
            self._worker = None

    def _put(self, job: _Job) -> None:
        jobs = self._jobs
        if self._worker is None or jobs is None:
            import threading  # the thread, and what it needs, come when a file is to be synced
            from queue import SimpleQueue

            jobs = SimpleQueue()
            self._jobs = jobs
            self._worker = threading.Thread(target=self._work, args=(jobs,), name="respd-files", daemon=True)
            self._worker.start()
        jobs.put(job)

    def _work(self, jobs: SimpleQueue[_Job]) -> None:
        while True:
            job = jobs.get()
            if job.kind == _STOP:
                return
            if job.kind == _CLOSE:
                self._close(job.fd)
            else:
                self._sync(job)

    def _sync(self, job: _Job) -> None:
        try:
            self._disk.fdatasync(job.fd)
            self.error = None
            self.synced_offset = job.offset
        except OSError as error:
            self.error = error
        if job.kind == _RETIRE:
            self._close(job.fd)
        self._done += 1

    def _close(self, fd: int) -> None:
        try:
            self._disk.close(fd)
        except OSError:
            pass
