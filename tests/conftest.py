"""What every test shares: Hypothesis profiles, no window on any screen, and `waiting`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

# Set before anything imports matplotlib; processes that tests start inherit it.
os.environ["MPLBACKEND"] = "Agg"

# No deadlines: two cores, shared; a slow moment is not a defect. The first use of a kernel compiles it.
COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("dev", **COMMON)
settings.register_profile("ci", **COMMON, derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")
