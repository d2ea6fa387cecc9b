"""What the built-in event types carry in `data`: models by subject, which `events.types` gives their names.

A field without a default is required and not null; fields that are not listed are kept and unused.
"""
