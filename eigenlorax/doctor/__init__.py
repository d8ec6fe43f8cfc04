"""What a machine has, what is missing, and what would fit: findings, each with what to do next."""
