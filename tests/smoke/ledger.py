"""A stand-in for the memory figures of ``torch.cuda``: counts the tensors that live on the CPU, as the allocator rounds them.

What a kernel takes inside itself is not seen. Runs in the target interpreter; gpu_child.py rehearses with it.
"""

import weakref

from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

ROUND = 512  # bytes: the allocator's smallest step


class Ledger(TorchDispatchMode):
    """While it is entered, every storage that an operation makes is counted until nobody holds it."""

    def __init__(self):
        super().__init__()
        self.now = self.most = 0
        self.sizes = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for value in tree_flatten(made)[0]:
            if hasattr(value, "untyped_storage"):
                self.note(value.untyped_storage())
        return made

    def note(self, storage):
        key = storage._cdata
        if key in self.sizes:
            return
        self.sizes[key] = -(-storage.nbytes() // ROUND) * ROUND
        self.now += self.sizes[key]
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self.gone, key)

    def gone(self, key):
        self.now -= self.sizes.pop(key)

    def synchronize(self):
        pass

    empty_cache = synchronize

    def reset_peak_memory_stats(self):
        self.most = self.now

    def memory_allocated(self):
        return self.now

    def max_memory_allocated(self):
        return self.most

    max_memory_reserved = max_memory_allocated

    def mem_get_info(self):
        """(free, total) as if the host were the card."""
        return -self.now, 0
