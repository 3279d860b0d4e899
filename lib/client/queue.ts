import { isSilent, settings } from './settings.js';
import { stored } from './store.js';

export interface Entry {
  /** The activity as JSON, beginning with its date. It is its own key in the store, whose order is that of the dates. */
  record: string;
  /** Truthy if the activity is stored, so that it survives the page. */
  isKept?: unknown;
  isUnderWay?: 0 | 1;
  /** Resolves the promise of `track`: whether the server has the activity. */
  tell?(isThere: boolean): void;
}

const MAX_WAITING = 1000;
/**
 * Characters of JSON, each of which takes up to three bytes: browsers let the requests that outlive their page take
 * 64 KiB, all together, and so does the server for each.
 */
const MAX_SIZE = 2e4;
/** Added to the length of each activity, so that a request contains at most 100, the limit of the server. */
const PADDING = 200;
/** Characters of the longest activity. As padding, it makes each request contain one activity. */
const MAX_RECORD = 1e4;
// Milliseconds.
const TOGETHER = 50;
const PATIENCE = 3e4;
const FIRST_PAUSE = 1000;
const MAX_PAUSE = 1e5; // chance at most doubles it

/** The oldest first. */
let queue: Entry[] = [];
/** The activity that was added last. */
export let last: Entry;
let timer: ReturnType<typeof setTimeout> | undefined;
let isRunning: 0 | 1 | undefined;
let failures = 0;
/** After the server has refused a batch, activities are sent one by one to find the invalid ones. */
let padding = PADDING;
/** The headers that the server did not accept. */
let refused = '';
/** True if the refusal by the server was already logged to the console. */
let hasWarned: 1 | undefined;
/** Whether the server has answered this page, so that the visitor has a session. */
let isKnown: 1 | undefined;
let dropped = 0;

/** @returns whether the server has it, once that is known */
export const add = (record: string): Promise<boolean> => {
  return new Promise((tell) => {
    const entry: Entry = { record, tell };
    queue.push((last = entry));
    drop(record.length < MAX_RECORD ? queue.slice(0, -MAX_WAITING) : [entry]);
    // Transactions are in order: an activity is stored before it is sent.
    void stored((store) => store.put(1, record)).then((key) => (entry.isKept = key));
    if (!failures) wake(TOGETHER);
  });
};

/** Sends waiting activities after so many milliseconds. */
const wake = (delay?: number): void => {
  clearTimeout(timer);
  timer = setTimeout(run, delay);
};

/** Sends waiting activities at once, because a retry may succeed now. */
export const retry = (): void => {
  failures = 0;
  wake();
};

/** Sends waiting activities while the page is closed. A later page sends those without an answer again. */
export const leave = (): void => {
  while (next()[0]) {
    void send(next()).then(wake);
    // A new visitor sends one more request only. The server sees by its oldest activity that it belongs to the first.
    if (!isKnown) return;
  }
};

/** Forgets all that waits, of earlier pages too. */
export const clear = (): void => {
  forget(queue, false);
  void stored((store) => store.clear());
};

const run = async (): Promise<void> => {
  if (isRunning || isSilent()) return;
  isRunning = 1;
  const work = async (): Promise<void> => {
    // Other tabs, and earlier pages, have kept theirs in the same place.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all keys are records
    const kept = await stored((store) => store.getAllKeys() as IDBRequest<string[]>);
    const ours = queue;
    if (kept) {
      queue = kept.map((key) => ours.find(({ record }) => record === key) ?? { record: key, isKept: 1 });
      // Another tab has sent the activities that are no longer stored.
      ours.map((entry) => queue.includes(entry) || (entry.isKept ? entry.tell?.(true) : queue.push(entry)));
    }
    let delay: number | undefined;
    while (!delay && next()[0]) delay = await send(next());
    isRunning = 0;
    if (delay) wake(delay);
  };
  try {
    // One tab at a time.
    await navigator.locks.request('djaffar', work);
  } catch {
    // There are no locks outside secure contexts, and none in sandboxed frames.
    void work();
  }
};

/**
 * Returns the oldest activities that fit into one request. While a visitor is new, it includes those that are being sent: with
 * another oldest activity, the server would start another session.
 */
const next = (): Entry[] => {
  let size = 0;
  return queue.filter(
    ({ isUnderWay, record }) => !(isUnderWay && isKnown) && (size += record.length + padding) < MAX_SIZE,
  );
};

/** @returns the milliseconds to wait before a retry, if one is needed */
const send = async (batch: Entry[]): Promise<number | undefined> => {
  const activities = batch.map((entry) => {
    entry.isUnderWay = 1;
    return entry.record;
  });
  let after = 0;
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is one of the two, and only a function has a `call`
    const given = settings.headers as ((() => Promise<HeadersInit>) & Headers) | undefined;
    const headers = await (given?.call?.(0) ?? given);
    const asked = JSON.stringify(headers);
    if (asked !== refused) {
      // A text needs no leave from another origin beforehand.
      const answer = await fetch(`${settings.endpoint}/${settings.route}/`, {
        ...settings,
        method: 'POST',
        // oxlint-disable-next-line typescript/restrict-template-expressions -- in a text, commas join an array
        body: `{"sentAt":"${new Date().toJSON()}","activities":[${activities}]}`,
        headers,
        keepalive: true,
        signal: AbortSignal.timeout(PATIENCE),
      });
      const status = answer.status;
      if (status === 204) {
        isKnown = 1;
        failures = 0;
        return forget(batch, true);
      }
      if (status === 400 || status === 413 || status === 422) {
        // Errors are named after their properties, such as "activities.3.date". If none is named, they go one by one.
        const text = await answer.text();
        padding = MAX_RECORD;
        return drop(
          batch.filter((_, i) => !batch[1] || RegExp(`"activities.${i}\\b`).test(text)),
          status,
          text,
        );
      }
      if (status === 401) refused = asked ?? '';
      if (status < 500 && !hasWarned) {
        hasWarned = 1;
        console.warn('djaffar waits', status, 'Check data-endpoint, guards, rate limits');
      }
      after = +answer.headers.get('Retry-After')! * 1000 || 0;
    }
  } catch {
    // No network, no answer in time, or no headers: later.
  } finally {
    batch.map((entry) => (entry.isUnderWay = 0));
  }
  return after + Math.min(MAX_PAUSE, 2 ** failures++ * FIRST_PAUSE) * (1 + Math.random());
};

const drop = (batch: Entry[], status?: number, reason?: string): undefined => {
  if (!batch[0]) return;
  padding = PADDING;
  dropped += batch.length;
  console.warn('djaffar dropped', dropped, status, reason, batch);
  forget(batch, false);
};

/** Removes activities from the queue, and settles their promises. */
export const forget = (batch: Entry[], isThere: boolean): undefined => {
  queue = queue.filter((entry) => !batch.includes(entry) || entry.tell?.(isThere));
  void stored((store) => batch.map(({ record }) => store.delete(record))[0]!);
};
