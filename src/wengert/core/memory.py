"""What is done about the memory allocator: one block, taken and given back.

glibc maps blocks of 128 KB and more from the system and unmaps them when they are freed, so each temporary array
of that size costs its page faults anew: up to half the time of a training step. When a mapped block is freed, glibc
raises both limits to that block's size and twice that (mallopt(3), M_MMAP_THRESHOLD), up to 32 MB. The block is never
touched, so this takes microseconds and no memory; other allocators do not notice.
"""

import numpy as np

LARGEST = 31 << 20


def keep_freed_memory() -> None:
    """Let freed arrays of up to :data:`LARGEST` bytes be used again, in place of fresh pages."""
    np.empty(LARGEST, np.uint8)


keep_freed_memory()
