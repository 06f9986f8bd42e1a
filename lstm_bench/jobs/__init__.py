"""How a training runs as a process: the job, the server that forks it, the device it gets."""
