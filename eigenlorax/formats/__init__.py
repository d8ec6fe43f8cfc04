"""Foreign files in, canonical float32 factors out; nothing foreign passes beyond this border."""
