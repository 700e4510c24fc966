"""One file for each action, behind one interface; the only modules that talk to services."""
