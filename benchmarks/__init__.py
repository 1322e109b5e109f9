"""Speed, as a ratio against a reference in the same run, and the numerical difference beside it."""
