"""E-mail through the user's own server."""
