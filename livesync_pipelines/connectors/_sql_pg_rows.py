"""The same writes one row after the other, within the server: what it refuses is told of each row,
and the rest goes on. A round trip for each would take a hundred times as long."""

from __future__ import annotations

from collections.abc import Sequence

from livesync_pipelines.connectors._sql_pg_catalogue import text
from livesync_pipelines.connectors._sql_pg_errors import BY_ROW, clipped, reason_code
from livesync_pipelines.connectors._sql_pg_session import Session
from livesync_pipelines.connectors._sql_pg_stage import Staged
from livesync_pipelines.connectors._sql_sent import Fate

Todo = Sequence[tuple[str, int]]
"""What is to be done (`delete`, `update`, `insert`) to which of the waiting rows."""

_TOLD = "livesync_told"
_LEFT_OUT = "a trigger or a rule of the table leaves the row out, or stores it under another key"
_TRADED = "Should two rows trade it, make the constraint deferrable, or change one of them by hand"


def carry_out(
    session: Session, upserts: Staged, deletes: Staged, todo: Todo, fates: tuple[Fate, Fate]
) -> None:
    """Do each and note its fate (of upserts, of deletes). What is refused is tried once more after
    the others: it may have waited for one of them."""
    for name in {upserts.name, deletes.name}:
        session.run(f"create index if not exists {name}_n on {name} (n)")
    session.run(
        f"create temp table if not exists {_TOLD}"
        " (op text, n bigint, state text, reason text) on commit delete rows"
    )
    refused = _tried(session, upserts, deletes, todo, fates)
    if 0 < len(refused) < len(todo):
        _tried(session, upserts, deletes, refused, fates)


def _tried(
    session: Session, upserts: Staged, deletes: Staged, todo: Todo, fates: tuple[Fate, Fate]
) -> Todo:
    """What was refused."""
    session.run(f"truncate {_TOLD}")
    session.run(_block(upserts, deletes, todo))
    for op, n in todo:
        _fate(op, fates).refused.pop(n, None)
    refused: list[tuple[str, int]] = []
    for row in session.ask(f"select op, n, state, reason from {_TOLD}").to_pylist():
        op, n, fate = row["op"], row["n"], _fate(row["op"], fates)
        if row["state"] is None:
            fate.moved.add(n)
        else:
            fate.refused[n] = (reason_code(row["state"]), clipped(row["reason"]))
            refused.append((op, n))
    return refused


def _fate(op: str, fates: tuple[Fate, Fate]) -> Fate:
    return fates[op == "delete"]


def _block(upserts: Staged, deletes: Staged, todo: Todo) -> str:
    """An insert that finds its key taken has moved; else each row must be there afterwards, or be
    gone. Only errors that speak of the row are its own."""
    this = "s.n = livesync_row.n"
    there = f"exists (select from {upserts.joined} where {this})"
    ops, places = ",".join(op for op, _ in todo), ",".join(str(n) for _, n in todo)
    told = f"insert into {_TOLD} (op, n, state, reason) values (livesync_row.op, livesync_row.n"
    own = ", ".join(map(text, BY_ROW))
    body = f"""
#variable_conflict use_column
declare
  livesync_row record; livesync_hit bigint; livesync_state text; livesync_said text;
  livesync_more text;
begin
  for livesync_row in
    select q.op, q.n from unnest('{{{ops}}}'::text[], '{{{places}}}'::bigint[])
      with ordinality q (op, n, place) order by q.place
  loop
    begin
      if livesync_row.op = 'delete' then {deletes.delete(this)};
      elsif livesync_row.op = 'update' then {upserts.update(this) if upserts.changes else "null"};
      else {upserts.insert(this)};
      end if;
      get diagnostics livesync_hit = row_count;
      if livesync_hit = 0 and livesync_row.op = 'insert' and {there} then
        {told}, null, null);
      elsif livesync_hit = 0 or (livesync_row.op <> 'delete' and not {there}) then
        raise exception using errcode = 'P0001', message = {text(_LEFT_OUT)};
      end if;
    exception when others then
      get stacked diagnostics
        livesync_state = returned_sqlstate, livesync_said = message_text,
        livesync_more = pg_exception_detail;
      if left(livesync_state, 2) not in ({own})
        and not (livesync_state = '42501' and strpos(livesync_said, 'row-level security') > 0)
      then raise; end if;
      if livesync_state = '23505' then
        livesync_more := nullif(rtrim(livesync_more, '.'), '');
        livesync_said := concat_ws('. ', livesync_said, livesync_more, {text(_TRADED)});
      end if;
      {told}, livesync_state, livesync_said);
    end;
  end loop;
end"""
    tag = "$livesync$"
    while tag in body:
        tag = f"{tag[:-1]}_$"
    return f"do {tag}{body} {tag}"
