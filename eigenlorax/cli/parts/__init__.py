"""Commands in groups: `eigenlorax styles list` and its kin."""
