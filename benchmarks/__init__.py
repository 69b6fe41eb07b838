"""The numbers we claim, each a command."""
