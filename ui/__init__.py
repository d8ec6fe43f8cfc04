"""The page: it speaks to `eigenlorax.studio` and knows nothing below it."""
