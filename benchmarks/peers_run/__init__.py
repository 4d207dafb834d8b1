"""How each peer of peers.py makes a mask; runner.py runs one of them in a process of its own."""
