"""What is kept on disk: versioned safetensors, written aside and moved into place."""
