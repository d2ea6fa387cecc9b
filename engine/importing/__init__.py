"""History brought in from files."""
