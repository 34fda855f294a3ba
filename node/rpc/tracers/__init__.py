"""What a node shows of an execution, in the formats tools know: each tracer watches one and turns it into JSON.

They run on the calls thread and must never change what they watch. Source: go-ethereum's documentation of its built-in
tracers, whose names and members tools rely on.
"""
