"""Runs on Ray: on this machine's cores, or on a cluster. Ray is imported here alone, and only when something runs."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Generator, Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

from adapters.simulated.scenario import Scenario
from fusion.config import SiteConfig
from fusion.errors import ConfigError, SkypicketError
from replay.campaigns.run import Failure, Job, Outcome, perform
from replay.processes import available
from replay.scoring.results import ScoreOptions

RETRIES: Final = 3  # of a run whose worker dies under it: more often, and it is the run that kills
AHEAD: Final = 3  # runs waiting for each core, so that none idles while results are written
OBJECT_STORE_BYTES: Final = 100 << 20  # plans and sites are kilobytes; Ray takes no less than 75 MiB
ANSWER_S: Final = 5.0  # in which a cluster's port must answer
FOLDER: Final = "skypicket-ray-"
LONGEST_FOLDER: Final = 30  # characters: Ray's sockets lie 64 deeper, and Linux takes 107
QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing of ours calls out
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
    "OMP_NUM_THREADS": "1",  # one run a core: more threads would only wait for each other
}
Shared = tuple[Scenario, SiteConfig, ScoreOptions]


class ClusterError(SkypicketError):
    """Workers that cannot do the work, all of them alike."""


class Workers:
    """Ray, started here with so many cores, or a cluster that is there already; closed by leaving the `with`."""

    def __init__(self, cores: int | None = None, cluster: str | None = None) -> None:
        self._cores, self._cluster = cores, cluster
        self._folder: Path | None = None
        self._lock: IO[bytes] | None = None

    def __enter__(self) -> Workers:
        os.environ.update(QUIET)
        if self._cluster is None:
            from fusion import kernels

            if not kernels.compiled():
                kernels.load()  # once, before the workers would all do it
            self._begin_folder()
            # Ray listens on every interface: without the token, anybody near could run code here.
            os.environ.update({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)})
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import ray

        ray.shutdown()
        if self._folder is not None and self._lock is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._lock.close()

    @property
    def cores(self) -> int:
        """How many runs may go on at once, as of now: a cluster grows and shrinks."""
        import ray

        found: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        return max(1, int(found.get("CPU", 1)))

    def perform(self, jobs: Iterable[Job], sources: str) -> Generator[Outcome, None, None]:
        """What comes of each job, in the order in which they end.

        sources: the hash of our code; a worker with other code stops everything. A job whose worker dies is done again
        elsewhere; one under which `RETRIES` more die has failed. Raises ClusterError.
        """
        import ray

        remote = ray.remote(num_cpus=1, max_retries=RETRIES)(_remote)
        shared: dict[tuple[int, int], Any] = {}
        waiting: dict[Any, str] = {}
        queue = iter(jobs)
        while True:
            for job in queue:
                part = id(job.simulated), id(job.site)
                if part not in shared:
                    shared[part] = ray.put((job.simulated, job.site, job.options))
                waiting[remote.remote(shared[part], job.key, job.seed, job.keep, sources)] = job.key
                if len(waiting) >= (1 + AHEAD) * self.cores:
                    break
            if not waiting:
                return
            (ready, *_), _ = ray.wait(list(waiting), num_returns=1)
            yield _outcome(ready, waiting.pop(ready))

    def _start(self) -> None:
        import ray

        options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": False}
        if self._cluster is None:
            options |= {"num_cpus": self._cores or available(), "include_dashboard": False}
            options |= {"object_store_memory": OBJECT_STORE_BYTES, "_temp_dir": str(self._folder)}
        else:
            _check_answers(self._cluster)
            options["address"] = self._cluster
        try:
            ray.init(**options)
        except (ConnectionError, ValueError, RuntimeError, OSError) as error:
            where = self._cluster or "this machine"
            text = str(error).strip().splitlines()
            if self._cluster is not None:
                allowed = f"the address of a Ray cluster that answers: {text[0] if text else type(error).__name__}"
                raise ConfigError("--cluster", where, allowed) from error
            raise ClusterError(f"Ray does not start here: {text[0] if text else type(error).__name__}") from error

    def _begin_folder(self) -> None:
        """A folder for Ray's session, locked while it is used; those that a crash left behind are removed."""
        base = tempfile.gettempdir()
        parent = Path(base if len(base) <= LONGEST_FOLDER - len(FOLDER) else "/tmp")
        for old in parent.glob(f"{FOLDER}*"):
            lock = _lock(old)
            if lock is not None:
                shutil.rmtree(old, ignore_errors=True)
                lock.close()
        self._folder = Path(tempfile.mkdtemp(prefix=FOLDER, dir=parent))
        self._lock = _lock(self._folder)


def _check_answers(cluster: str) -> None:
    """Raise ConfigError where nothing listens at HOST:PORT; Ray itself would try for minutes."""
    if cluster == "auto":
        return
    host, _, port = cluster.removeprefix("ray://").rpartition(":")
    allowed = "HOST:PORT of a Ray cluster that is there, or auto"
    if not host or not port.isdigit():
        raise ConfigError("--cluster", cluster, allowed)
    try:
        socket.create_connection((host, int(port)), ANSWER_S).close()
    except (OSError, OverflowError) as error:
        raise ConfigError("--cluster", cluster, f"{allowed} (nothing answers: {error})") from None


def _lock(folder: Path) -> IO[bytes] | None:
    """The folder's lock, held until it is closed; None where another process has it, or it is not ours."""
    try:
        file = (folder / "owner").open("ab")
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def _remote(shared: Shared, key: str, seed: int, keep: str | None, sources: str) -> Outcome:
    """A run on a worker."""
    from fusion import kernels
    from replay.campaigns import grid

    if grid.sources() != sources:
        raise ClusterError(f"{os.uname().nodename} has another version of skypicket, or of the libraries under it")
    kernels.load()
    scenario, site, options = shared
    return perform(Job(key, scenario, seed, site, options, keep))


def _outcome(ready: Any, key: str) -> Outcome:
    import ray
    from ray import exceptions

    try:
        found: Outcome = ray.get(ready)
    except (exceptions.WorkerCrashedError, exceptions.NodeDiedError, exceptions.OutOfMemoryError) as error:
        text = f"its worker died {RETRIES + 1} times: {str(error).strip().splitlines()[0]}"
        return Outcome(key, failure=Failure(type(error).__name__, text, str(error)))
    except exceptions.RayTaskError as error:
        cause = str(error.cause) if error.cause is not None else str(error)
        raise ClusterError(f"the workers cannot do the runs: {cause.strip().splitlines()[-1]}") from error
    except exceptions.RayError as error:
        raise ClusterError(f"Ray stopped: {str(error).strip().splitlines()[0]}") from error
    return found
