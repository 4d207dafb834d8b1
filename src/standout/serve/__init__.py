"""An HTTP server for photos and clips: the API of remove.bg, answered on this machine, and an API of our own.

    app        ServerSettings -> the FastAPI application, and what it serves besides the two APIs
    settings   what whoever starts the server decides
    service    what all requests share: the workers, the queue, the keys, the rate
    limits     the queue of bounded length, and the rate in megapixels a minute
    keys       who may ask
    access     middleware: which hosts and origins may ask at all, and the headers of every answer
    body       a request's body -> its fields, in memory alone
    pictures   a picture's bytes -> Photo, its size checked before it is decoded; and a Photo, resized
    refusals   errors as answers
    result     what a worker hands back: an answer, ready to be sent
    workers/   the processes that decode, edit and encode the pictures
    own        /v1/mask, /v1/edit, /v1/people, /v1/models and /v1/effects
    catalog    the effects and their settings as plain values
    site       the page for people, as static files of page/, and their headers
    private    private mode: the models and onnxruntime-web, for the browser
    export_site   the page as a static site
    docs       the documentation of both APIs as a page
    connection deadlines and a limit for connections
    schema     what FastAPI cannot know of the answers, for the OpenAPI schema
    webcam/    the window of live pictures
    listen     the socket, and the server that listens on it
    jobs/      /v1/jobs: clips and folders of photos, done in the background
    metrics    GET /metrics
    removebg/  POST /v1.0/removebg and GET /v1.0/account

The server fetches nothing from elsewhere, and writes nothing of a photo to the disk unless it comes as a job. This is
the only room that knows FastAPI, Starlette and uvicorn.
"""
