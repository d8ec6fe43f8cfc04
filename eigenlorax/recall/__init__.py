"""Pictures and texts of this and other programs, read back into what they were drawn with."""
