"""`python -m skypicket`: the same as the command `skypicket`."""

import sys

from skypicket.cli import main

sys.exit(main())
