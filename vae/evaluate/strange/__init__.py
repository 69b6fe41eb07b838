"""How strange an image is, by several scores, and where to draw the line."""
