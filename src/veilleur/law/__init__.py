"""Who may analyse what, and the gate that holds everybody to it."""
