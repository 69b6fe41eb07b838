"""What directions, paths and samples are worth. See `__main__`."""
