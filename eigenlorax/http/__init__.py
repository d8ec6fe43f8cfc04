"""The program over HTTP: A1111's interface, one of our own, and tools for language models."""
