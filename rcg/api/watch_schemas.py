"""What the routes of watched folders take and give."""

from __future__ import annotations

from pydantic import BaseModel, Field

from rcg.api.schemas import In


class FolderOut(BaseModel):
    """A folder that may be watched."""

    name: str = Field(description="to choose it by")
    path: str
    files: int = Field(description="that lie there now")
    problem: str | None = Field(description="why it cannot be watched, and what to do; null: it can")


class FoldersOut(BaseModel):
    """The folders that may be watched: `incoming` of the data folder, and `capture.watch_folders`."""

    items: list[FolderOut]


class WatchIn(In):
    """A folder to take frames from."""

    folder: str = Field("incoming", max_length=1000, description="its name in GET /api/capture/folders")
    existing: bool = Field(False, description="whether files that lie there already are taken too")


class NoteOut(BaseModel):
    """What became of a file."""

    file_name: str
    light: str | None = Field(description="that it is the frame of; null: it was left aside")
    words: str = Field(description="why it was left aside")


class WatchOut(BaseModel):
    """How a watch stands."""

    folder: str
    active: bool = Field(description="false: the session has ended")
    ignored: int = Field(description="files that lay there before it began")
    arriving: int = Field(description="files that are being written")
    words: str = Field(description="what to do next, for people")
    problem: str | None = Field(description="what stands in the way just now")
    notes: list[NoteOut] = Field(description="the newest files, oldest first")
