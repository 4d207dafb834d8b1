"""What the OpenAPI schema says of /v1/jobs: the request's form, the job, and the answers of each route."""

from __future__ import annotations

from typing import Any, TypeAlias

from standout.serve.jobs.store import STATES

Answers: TypeAlias = dict[int | str, dict[str, Any]]

TEXT, NUMBER, COUNT = {"type": "string"}, {"type": "number"}, {"type": "integer", "minimum": 0}
MOMENT = TEXT | {"format": "date-time"}
FILE = TEXT | {"format": "binary"}

_JOB: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": TEXT | {"pattern": "^[0-9a-f]{32}$"},
        "status": TEXT | {"enum": list(STATES)},
        "progress": NUMBER | {"minimum": 0, "maximum": 1},
        "done": COUNT | {"description": "Frames of a single clip, or files."},
        "total": COUNT,
        "message": TEXT,
        "error": {"type": ["string", "null"], "description": "Why a job has failed."},
        "created": MOMENT,
        "expires": {"type": ["string", "null"], "description": "When a job that has ended is deleted."},
        "result": {"type": ["string", "null"], "description": "The address of the result."},
        "media_type": TEXT | {"description": "Of the result."},
        "name": TEXT | {"description": "Of the result."},
    },
}
JOB: dict[str, Any] = _JOB | {"required": list(_JOB["properties"]), "additionalProperties": False}

BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": FILE | {"description": "A clip, a photo or a ZIP of photos; repeatable."},
                        "edit": TEXT | {"description": 'JSON, such as {"effect": {"name": "blur", "strength": 0.8}}.'},
                        "background": FILE | {"description": "A picture or clip to put behind the people."},
                        "format": TEXT | {"description": "The suffix of the results, such as .mp4 or .png."},
                    },
                    "required": ["file"],
                }
            }
        },
    }
}


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


TAKEN: Answers = {
    202: _json("The job is in the queue.", JOB)
    | {"headers": {"Location": {"description": "The job's address.", "schema": TEXT}}}
}
LISTED: Answers = {
    200: _json(
        "The jobs.",
        {"type": "object", "properties": {"jobs": {"type": "array", "items": JOB}}, "required": ["jobs"]},
    )
}
SHOWN: Answers = {200: _json("The job.", JOB)}
DELETED: Answers = {200: _json("The job, canceled.", JOB), 204: {"description": "The job is deleted."}}
RESULT: Answers = {
    200: {"description": "The result.", "content": {"*/*": {"schema": FILE}}},
    206: {"description": "The parts of it that Range names.", "content": {"*/*": {"schema": FILE}}},
    416: {"description": "Range names a part beyond its end.", "content": {"text/plain": {"schema": TEXT}}},
}
