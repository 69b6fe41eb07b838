"""What decoded pictures are worth, in the eyes of small classifiers and beside real images."""
