"""Worker processes, in which pictures are decoded, edited and encoded, so that none of it can take the server along.

    Job        Callable[[PersonFinder], T]   what is done for a request; it is pickled on its way to a process
    pool       ProcessPool: several workers, each request given to one that is free; and ThreadPool, for tests
    process    WorkerProcess: one worker as the server sees it: started, asked, killed, replaced
    child      what a worker does: it loads the model once, and then does one job after another

A worker that crashes, hangs, or needs more memory than it may have costs its own request alone: it is ended, that
request is answered by an error, and another worker takes its place.

The pool is ours because concurrent.futures gives up all its processes, and all requests in work, when one of them dies.
anyio.to_process keeps the others, but has no limit of memory, drops processes that were idle for five minutes together
with their model, and leaves one that hangs behind where the server itself is killed. Other libraries that can do it all
are under the LGPL.
"""
