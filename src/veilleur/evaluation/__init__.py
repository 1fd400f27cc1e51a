"""How good is it? Labelled video, the counting, and the page that shows both."""
