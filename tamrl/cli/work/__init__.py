"""What the commands do that need more than the standard library: loaded when one runs, so that its help is instant."""
