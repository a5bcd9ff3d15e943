"""What one machine grows into: two nodes beside one, measured; and larger sizes, simulated from measured figures."""
