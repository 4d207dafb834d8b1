"""What every part of the package may use: whole files, threads, cores, plugins, HTML pages and drawing."""
