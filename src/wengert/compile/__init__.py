"""Machine code: Programs lowered to LLVM IR, compiled and linked in this process."""
