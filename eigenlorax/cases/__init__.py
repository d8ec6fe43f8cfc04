"""Use cases above the studio, a file each: looking, covers, reports, check-ups, measuring, drawing again."""
