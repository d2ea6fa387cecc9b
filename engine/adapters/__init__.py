"""One file a technology; an adapter is imported when it is chosen, not before."""
