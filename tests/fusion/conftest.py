"""Lets the tests of the core share `worlds`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
