"""What becomes of files that people bring: good ones, broken ones, and hostile ones."""
