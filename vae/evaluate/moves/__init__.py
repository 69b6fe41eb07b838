"""What a step in a direction does to the attributes of decoded pictures, read from their pixels."""
