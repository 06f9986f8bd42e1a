"""What is measured with torch: on trained networks, or on the machine. One probe a file."""
