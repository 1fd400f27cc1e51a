"""The console: pages, streams and the JSON API of the desk."""
