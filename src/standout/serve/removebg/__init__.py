"""The HTTP API of remove.bg, version 1.0, answered on this machine.

routes   POST /v1.0/removebg and GET /v1.0/account
fields   the fields of a request -> Removal
errors   the codes and titles of the API's errors
place    which part of the photo counts, and where the people stand in the result
remove   Removal -> the picture
answer   the picture -> the bytes or the JSON of the answer, and its headers
"""
