"""Tables, figures and the HTML report; reads rows, never imports jax."""
