"""Written by an editor that saves Latin-1 and declares nothing."""

CITY = "Zürich"
