"""Learning coefficients: by a teacher's predictions, without pictures of one's own."""
