"""The base model at work: loading, styles in its weights, pictures out."""
