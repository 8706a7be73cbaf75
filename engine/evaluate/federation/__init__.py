"""`casebind federate simulate`: what sites learn together, and what that costs and gives away."""
