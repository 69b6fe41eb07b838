"""Commands for people who work on Muscope; nothing here is imported by the app."""
