"""What we say: the template catalogue and its sandboxed rendering."""
