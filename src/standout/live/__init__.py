"""A camera in, pictures out: in a window, or as a virtual camera for other programs."""
