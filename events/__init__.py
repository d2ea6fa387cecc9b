"""What happened: events, their types and schemas, the codec, the judges at the doors, and the errors."""
