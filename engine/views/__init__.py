"""What a person or another program reads of a workspace: rows and profiles, made of facts and the live world."""
