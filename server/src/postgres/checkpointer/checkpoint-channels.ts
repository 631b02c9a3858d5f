// Which channels a stored checkpoint has values of, as SQL can ask it.

/**
 * Whether the checkpoint row `alias` stores a value of `channel`, both SQL expressions. Bodies that are encrypted cannot be looked
 * into, so their rows list the channels in a column; others need none.
 */
export function hasChannel(alias: string, channel: string): string {
  return `(case when ${alias}.channels is null then ${alias}.body::json -> 'c' -> ${channel} is not null
    else ${channel} = any(${alias}.channels) end)`;
}
