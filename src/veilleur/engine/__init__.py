"""The way of a frame: pipeline of one camera, scheduler of one node."""
