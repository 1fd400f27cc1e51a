"""The desk: what joins the engine, the store and the people who decide."""
