"""Numbers of a blend and new styles out of old ones, from inner products of the styles' updates."""
