/** Somebody has asked the command to stop. */
export class Interruption extends Error {
  constructor(
    readonly signal: NodeJS.Signals,
    message = 'interrupted',
  ) {
    super(message);
    this.name = 'Interruption';
  }
}

const SIGNALS: NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];

/** Lets the work come to an end of its own at the first signal; the next one ends the process as ever. */
export async function interruptible(work: (stop: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    forget();
    stop.abort(new Interruption(signal));
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
