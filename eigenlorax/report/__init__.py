"""What a collection is, for people: tables, contact sheets, and the page of a census."""
