"""What we know: traits, segments and dimensions of a customer, compiled from a rulebook and folded from events."""
