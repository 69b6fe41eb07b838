"""What codes are worth: anomalies told by them, labels read off them, factors kept apart. See `__main__`."""
