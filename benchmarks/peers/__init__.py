"""Public trackers on the frames of `benchmarks.cases`, in an environment of their own."""
