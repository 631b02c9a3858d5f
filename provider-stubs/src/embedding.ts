// Embeddings that need no model: words hashed into a vector, so that texts which share words are near each other.

/** A unit vector of the given length; the same text always gives the same vector. */
export function embedText(text: string, dimensions: number): number[] {
  const vector = new Array<number>(dimensions).fill(0);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [""]) {
    let hash = 0x811c9dc5;
    for (const char of word) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193) >>> 0;
    vector[hash % dimensions]! += hash & 0x10000 ? 1 : -1;
  }
  const length = Math.hypot(...vector);
  // Words that cancel each other out would leave no direction at all.
  if (length === 0) vector[0] = 1;
  return vector.map((value) => value / (length || 1));
}
