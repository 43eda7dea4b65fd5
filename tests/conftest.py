"""What holds for every test."""

import signal

# A shell starts what it runs in the background with interrupts ignored, and children inherit that:
# tests that interrupt a process of their own would wait in vain.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
