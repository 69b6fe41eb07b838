"""Directions between codes: found, with evidence; locked; stepped along."""
