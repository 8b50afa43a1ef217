"""A program that kills a Redis-compatible server again and again, and checks what it still knows afterwards."""
