"""When a track is an alert for a zone, and what the alert says."""
