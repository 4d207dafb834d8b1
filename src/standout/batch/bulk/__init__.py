"""Photos and clips by the million: listed page by page, worked on by many machines, recorded in a ledger of Parquet.

    storage   a folder or a URL of an object store: names, bytes in, bytes out     Storage
    buckets, local_files   how object stores and folders do that
    source    what there is to do: a folder, a list, shards of tar                 Item, ItemSource
    shards    which part of it this machine does                                   Shards
    work      what is done with each item: an Edit and how results are written     BulkWork, BulkWorker
    ledger    what was done, in a folder of Parquet files                          BulkLedger, BulkRow
    run       all of it together                                                   run

To add a kind of source: see source.py. To add an engine (a way to spread the work over processes or machines): a
function like local.on_this_machine, given to run.
"""
