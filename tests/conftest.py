"""What holds for every test."""

import os
import signal

# State that is changed on another thread than the main one is an error, in tests' kernels too.
os.environ["TSNE_WIDGET_DEBUG"] = "1"

# A shell starts what it runs in the background with interrupts ignored, and children inherit that:
# tests that interrupt a process of their own would wait in vain.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
