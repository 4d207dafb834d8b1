"""The window of live pictures: a page in the browser, served to this machine alone.

    window   Window: shows pictures to whoever has its address
    page/    the page, as static files

Every machine has a browser, which needs no GUI toolkit and shows the page of a machine without a screen through an SSH
tunnel. Whoever reaches the page sees the camera, so the server listens on the loopback address only, and every address
holds a key that neither other users of the machine nor web sites open in the browser can guess.
"""
