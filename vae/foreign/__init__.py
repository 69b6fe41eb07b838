"""Models that were not trained here, opened like those that were: nothing that lies in their folders is executed.

given.py              what a person brings: files by their names, a zip, a name on the Hub
known.py              which kind of model it is, and what can be said of it before it is opened
spatial.py            diffusers' AutoencoderKL
dense.py              pythae's dense networks
adapter.py  allow.py  a person's own network, by an adapter; which ones may run here
axes.py               long codes through their principal axes
adapted.py            all of them as a `VAE`, and as a folder
"""
