"""Capture sessions, what is known of a frame, and phones among the signed-in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of sessions; tell phones from browsers."""
    op.create_table(
        "capture_sessions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("rig_id", sa.String(length=32), nullable=True),
        sa.Column("card_id", sa.String(length=32), nullable=True),
        sa.Column("made_card", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("sides", sa.JSON(), nullable=False),
        sa.Column("side", sa.String(length=5), nullable=False),
        sa.Column("wanted", sa.JSON(), nullable=False),
        sa.Column("lights", sa.JSON(), nullable=False),
        sa.Column("captures", sa.JSON(), nullable=False),
        sa.Column("mode", sa.String(length=6), nullable=True),
        sa.Column("job_id", sa.String(length=32), nullable=True),
        sa.Column("problem", sa.JSON(), nullable=True),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["rig_id"], ["rigs.id"], name=op.f("fk_capture_sessions_rig_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["card_id"], ["cards.id"], name=op.f("fk_capture_sessions_card_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_capture_sessions")),
    )
    with op.batch_alter_table("capture_sessions", schema=None) as batch_op:
        for column in ("rig_id", "card_id", "state", "created_at"):
            batch_op.create_index(batch_op.f(f"ix_capture_sessions_{column}"), [column], unique=False)

    op.create_table(
        "capture_frames",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("side", sa.String(length=5), nullable=False),
        sa.Column("light", sa.String(length=10), nullable=False),
        sa.Column("blob_sha256", sa.String(length=64), nullable=False),
        sa.Column("mode", sa.String(length=6), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("taken_by", sa.String(length=32), nullable=False),
        sa.Column("meta", sa.JSON(), nullable=False),
        sa.Column("thumbnail", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["capture_sessions.id"],
            name=op.f("fk_capture_frames_session_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["blob_sha256"], ["blobs.sha256"], name=op.f("fk_capture_frames_blob_sha256")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_capture_frames")),
        sa.UniqueConstraint(
            "session_id", "side", "light", name=op.f("uq_capture_frames_session_id_side_light")
        ),
    )
    with op.batch_alter_table("capture_frames", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_capture_frames_blob_sha256"), ["blob_sha256"], unique=False)

    with op.batch_alter_table("frames", schema=None) as batch_op:
        batch_op.add_column(sa.Column("meta", sa.JSON(), nullable=True))
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.String(length=8), nullable=False, server_default="browser"))
