"""Jobs: clips and folders of photos, uploaded, queued on the disk and worked on by processes of their own.

In the server's process:

    settings   how much jobs may take
    folders    the state folder: the queue's file, and a folder for each job
    store      the queue: a SQLite file with a row for each job
    upload     a multipart request -> files on the disk
    order      what a client has asked for, and what is to be made of it, as JSON files in the job's folder
    child      a process that checks an upload or does a job, and what it reports
    runner     the jobs in turn: started, cancelled, tried again, failed
    watch      who waits for changes
    intake     a request -> a job in the queue
    service    all of these, started and closed together; expiry
    routes     /v1/jobs
    schema     what the OpenAPI schema says of it

In a process of its own, which can die without taking the server along (it knows nothing of FastAPI):

    work       the process: its lock, its reports, and its end when the server ends
    names      names of clients and of results, made safe
    check      uploaded files -> a plan, or what is wrong with them
    unpack     a ZIP file -> its pictures
    make       a plan -> the result, by the journey of the command line

A client's file names are shown to it again, but no file of the server is ever called by them.
"""
