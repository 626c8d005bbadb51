"""Published weights in and out, without PyTorch and without running a pickle."""
