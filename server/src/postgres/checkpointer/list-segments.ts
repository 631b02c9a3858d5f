// Ranges of list items: how a list channel is described by a few `[list, from, to)` segments, and how their number stays bounded.

/** Segments a list may have; more are merged by appending the items of the cheapest neighbours again. */
export const SEGMENTS_MAX = 32;
/** Neighbouring segments merged into one when a list has too many. */
const MERGE_WIDTH = SEGMENTS_MAX / 2;
/** Numbers per segment in the `lists` column: index of the list in its row, list, from, to. */
export const ROW_STRIDE = 4;

/** Items `from` (included) to `to` (excluded) of one list. */
export interface Segment {
  list: number;
  from: number;
  to: number;
}

/** Adds one item, extending the last segment where it follows on. */
export function pushPosition(segments: Segment[], list: number, position: number): void {
  const last = segments.at(-1);
  if (last !== undefined && last.list === list && last.to === position) last.to = position + 1;
  else segments.push({ list, from: position, to: position + 1 });
}

/** Items in all segments. */
export function countItems(segments: readonly Segment[]): number {
  let count = 0;
  for (const segment of segments) count += segment.to - segment.from;
  return count;
}

/**
 * The range of item indexes to append again so that a list with too many segments gets fewer: of all runs of neighbours
 * the one with the fewest items, so that rewriting stays cheap however long the list is.
 */
export function cheapestMerge(segments: readonly Segment[]): { from: number; to: number } {
  let best = { from: 0, to: 0, size: Number.POSITIVE_INFINITY };
  let start = 0;
  for (let first = 0; first + MERGE_WIDTH <= segments.length; first++) {
    const size = countItems(segments.slice(first, first + MERGE_WIDTH));
    // The later of equals: fresh, small segments are at the end.
    if (size <= best.size) best = { from: start, to: start + size, size };
    start += (segments[first] as Segment).to - (segments[first] as Segment).from;
  }
  return best;
}

/** The value of a `lists` column. */
export function flattenLists(lists: readonly (readonly Segment[])[]): string | null {
  if (lists.length === 0) return null;
  let text = "";
  for (let index = 0; index < lists.length; index++)
    for (const { list, from, to } of lists[index] as readonly Segment[]) text += `,${index},${list},${from},${to}`;
  return `{${text.slice(1)}}`;
}

/** The lists of a row, by index. */
export function parseLists(text: string | null): Segment[][] {
  const lists: Segment[][] = [];
  if (text === null || text.length <= 2) return lists;
  const numbers = text.slice(1, -1).split(",");
  for (let i = 0; i < numbers.length; i += ROW_STRIDE) {
    const index = Number(numbers[i]);
    while (lists.length <= index) lists.push([]);
    (lists[index] as Segment[]).push({
      list: Number(numbers[i + 1]),
      from: Number(numbers[i + 2]),
      to: Number(numbers[i + 3]),
    });
  }
  return lists;
}

/** A new list's id: random, so that two writers of one thread do not choose the same. */
export function mintListId(): number {
  return 1 + Math.floor(Math.random() * 0x7fff_fffe);
}
