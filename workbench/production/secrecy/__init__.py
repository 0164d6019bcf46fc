"""Secrets in parameters: `secret://name` is resolved at run time and never written.

secrets.py      what a reference means, and looking it up
forms.py        in which forms a value may pass: plain, base64, URL, hex, JSON …
redaction.py    cuts these out of texts, streams and documents
keeper.py       stands beside the kernel's client and cuts each message
"""
