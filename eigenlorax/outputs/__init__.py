"""The pictures that were drawn: found, shown small, put aside and brought back."""
