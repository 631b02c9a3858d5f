// Loaded into a worker with --import: its wall clock is BENCH_CLOCK_SHIFT_MS ahead (or behind, below zero), as on a
// machine whose time is not kept. Timers and performance.now() run as ever.
const shiftMs = Number(process.env.BENCH_CLOCK_SHIFT_MS ?? 0);
const RealDate = Date;

class ShiftedDate extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + shiftMs);
    else super(...args);
  }
  static now() {
    return RealDate.now() + shiftMs;
  }
}

globalThis.Date = ShiftedDate;
process.stderr.write(`[clock] shifted by ${shiftMs} ms\n`);
