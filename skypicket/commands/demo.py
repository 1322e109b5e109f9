"""`skypicket demo`."""
from __future__ import annotations
import argparse
from skypicket.arguments import add_command
def add_parser(subparsers): add_command(subparsers, "demo", run, "x", "y", "demo")
def run(arguments): return 0
