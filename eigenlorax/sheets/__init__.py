"""Sheets: one picture for each combination of settings, laid out in one labelled picture."""
