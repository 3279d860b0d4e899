/** The command was interrupted by a signal. */
export class InterruptedError extends Error {
  constructor(
    readonly signal: NodeJS.Signals,
    message = 'interrupted',
  ) {
    super(message);
    this.name = 'InterruptedError';
  }
}

const SIGNALS: NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];

/** Aborts the work at the first signal, so that it can end cleanly; the second signal ends the process. */
export async function interruptible(work: (stop: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    forget();
    stop.abort(new InterruptedError(signal));
  };
  const forget = (): void => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    await work(stop.signal);
  } finally {
    forget();
  }
}
