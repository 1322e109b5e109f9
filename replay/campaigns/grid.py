"""The runs of a plan, each under a key made of everything that decides its result."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from fusion.config import SiteConfig
from replay.campaigns.plan import Plan, Setting
from replay.campaigns.run import Job

PACKAGES: Final = ("fusion", "adapters", "replay")  # whose sources decide results; skypicket is the face
ONLY_SHOWN: Final = ("replay/pictures", "replay/page", "replay/playing", "replay/encounters")  # decide none
CAMPAIGNS: Final = ("columns.py", "run.py", "tracking.py")  # of this folder, those that do
LIBRARIES: Final = ("numpy", "scipy", "numba", "llvmlite", "shapely")
KEY_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Cell:
    """One place in the grid."""

    scenario: str
    configuration: str
    seed: int
    key: str

    @property
    def name(self) -> str:
        """As files and folders have it."""
        return f"{self.scenario}-{self.configuration}-{self.seed}"


@dataclass(frozen=True, slots=True)
class Grid:
    """Every run of a plan, in the plan's order. Two cells may have one key: then it is one run."""

    plan: Plan
    cells: tuple[Cell, ...]

    @classmethod
    def of(cls, plan: Plan) -> Grid:
        """All runs of the plan."""
        return cls(plan, tuple(_cells(plan)))

    @property
    def keys(self) -> tuple[str, ...]:
        """Each key once, seed by seed: what is compared is there early, and long scenarios are spread."""
        return tuple(dict.fromkeys(cell.key for cell in sorted(self.cells, key=lambda cell: cell.seed)))

    def job(self, cell: Cell, keep: Path | None = None) -> Job:
        """What a worker needs for a cell. keep: the folder with a folder for each run's recordings."""
        setting = self._setting(cell)
        folder = None if keep is None else str(keep.absolute() / cell.name)
        return Job(cell.key, setting.simulated, cell.seed, setting.site, self.plan.score.options(), folder)

    def _setting(self, cell: Cell) -> Setting:
        return next(
            one
            for one in self.plan.settings
            if (one.scenario, one.configuration) == (cell.scenario, cell.configuration)
        )


def _cells(plan: Plan) -> Iterator[Cell]:
    told = repr(plan.score.options())
    for setting in plan.settings:
        simulated = replace(setting.simulated, site=_deciding(setting.simulated.site), site_path=None, seed=0)
        head = hashlib.blake2b(digest_size=KEY_BYTES)
        for part in (sources(), repr(simulated), repr(_deciding(setting.site)), told):
            head.update(f"{len(part)} {part}".encode())
        for seed in plan.seeds:
            own = head.copy()
            own.update(str(seed).encode())
            yield Cell(setting.scenario, setting.configuration, seed, own.hexdigest())


def _deciding(site: SiteConfig) -> SiteConfig:
    """The site without what decides no result: where it listens, and where its data lie."""
    same = type(site.service)(site.service.origin)
    service = replace(
        site.service, ingest=same.ingest, publish=same.publish, requests=same.requests, data=same.data, zones=()
    )
    return replace(site, service=service, left_out=())


@functools.cache
def sources() -> str:
    """A hash of all code that decides results: our sources, and the versions of the libraries under them."""
    root = Path(__file__).parents[2]
    digest = hashlib.blake2b(digest_size=KEY_BYTES)
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if name.startswith(ONLY_SHOWN) or (path.parent == Path(__file__).parent and path.name not in CAMPAIGNS):
                continue
            content = path.read_bytes()
            digest.update(f"{name} {len(content)} ".encode())
            digest.update(content)
    for library in LIBRARIES:
        digest.update(f"{library} {importlib.metadata.version(library)}".encode())
    return digest.hexdigest()
