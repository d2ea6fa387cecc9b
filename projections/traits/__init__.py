"""The trait kinds: what each keeps in the state, how an event changes it, how it reads."""
