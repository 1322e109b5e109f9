"""Encounters of one manoeuvring object with one zone, by the thousand: to see whether the warnings are worth it."""
