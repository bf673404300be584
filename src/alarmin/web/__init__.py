"""A web app on this computer: tumors, trials, the review and designs, run in the background and looked at in a browser.

It needs the extra `web`; nothing below imports it, and it leaves this computer by no way.
"""
