"""The base model at work: loading, styles in its weights, pictures out."""

import os

# Read by transformers while it is imported: it would warn of image classes that this program never uses.
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
