"""The report: one HTML page that works offline. Imports experiments and store."""
