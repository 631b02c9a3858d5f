// The seed of the short chaos tests; HOLDFAST_CHAOS_SEED repeats or varies them.

export function testSeed(): number {
  return Number(process.env.HOLDFAST_CHAOS_SEED ?? 20_261_122);
}
