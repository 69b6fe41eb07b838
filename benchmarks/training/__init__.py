"""What following a hand costs, and what it is worth: figures of `live.md`, a module for each part."""
