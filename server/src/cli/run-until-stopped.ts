// Keeps a started app running until the process is told to stop, then drains it.
import type { App } from "../app.ts";

/** Exit code of a process that was told twice: the usual one for an interrupt. */
const EXIT_INTERRUPTED = 130;

/** The part of an app that a command deals with. */
export type ServedApp = Pick<App, "address" | "databaseDescription" | "drain"> & AsyncDisposable;

/** What can end a process besides its own failure. */
export interface StopSources {
  /** Stop when a parent that keeps a channel to this process closes it or dies. @default false */
  readonly withParent?: boolean;
}

/**
 * Opens the app and waits. SIGTERM, SIGINT or the parent's end drain it; a second signal ends the process at once.
 * Resolves when everything is closed.
 */
export async function runUntilStopped(
  open: () => Promise<ServedApp>,
  onReady: (app: ServedApp) => void,
  sources: StopSources = {},
): Promise<void> {
  const stop = waitForStop(sources);
  try {
    // A stop that arrives during the start takes effect as soon as there is something to close.
    const app = await open();
    try {
      if (!stop.isAsked()) {
        onReady(app);
      }
      await stop.asked;
      await app.drain();
    } finally {
      await app[Symbol.asyncDispose]();
    }
  } finally {
    stop.forget();
  }
}

/** Resolves at the first request to stop; ends the process at the second signal. */
export function waitForStop(sources: StopSources = {}): {
  asked: Promise<void>;
  isAsked: () => boolean;
  forget: () => void;
} {
  let isAsked = false;
  let resolveAsked: () => void = () => {};
  const asked = new Promise<void>((resolve) => {
    resolveAsked = resolve;
  });
  const onSignal = (): void => {
    if (isAsked) {
      process.exit(EXIT_INTERRUPTED);
    }
    isAsked = true;
    resolveAsked();
  };
  const onParentGone = (): void => {
    isAsked = true;
    resolveAsked();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  if (sources.withParent) {
    process.on("disconnect", onParentGone);
    if (process.send !== undefined && !process.connected) {
      onParentGone(); // It went away before anyone listened.
    }
  }
  return {
    asked,
    isAsked: () => isAsked,
    forget: () => {
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
      process.off("disconnect", onParentGone);
    },
  };
}
