"""Reads the facts again: folds them beside the live world, or decides everything once more, and compares."""
