"""Training: a loop that yields what happens, and a process of its own to run it in."""
