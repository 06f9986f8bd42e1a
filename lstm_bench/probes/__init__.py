"""What is measured with torch: on trained ensembles, or on the machine. One probe a file."""
