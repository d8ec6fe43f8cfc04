"""Long work as jobs: one queue that survives a reload of the page, a closed browser and a crash."""
