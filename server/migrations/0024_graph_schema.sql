-- JSON schemas read off the TypeScript types of graphs, by the content of the graph's file.
create table graph_schema (
  key text primary key,
  schemas jsonb not null,
  sources jsonb not null,
  created_at timestamptz not null default now()
);
