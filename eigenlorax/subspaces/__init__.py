"""The current subspace, and every way to make a new version of it."""
