import { settings } from './settings.js';

const NAME = 'djaffar';
/** Milliseconds after which the browser is taken to refuse storage. */
const PATIENCE = 3000;

let database: Promise<IDBDatabase> | undefined;

/** Waits for a request or a transaction; they have different success events. */
const settled = (target: IDBRequest | IDBTransaction): Promise<unknown> =>
  new Promise((resolve, reject) => {
    Object.assign(target, { onsuccess: resolve, oncomplete: resolve, onerror: reject });
    // Chromium lets a page into the back/forward cache while it creates the database, and everybody else waits for it.
    setTimeout(reject, PATIENCE);
  });

const open = async (): Promise<IDBDatabase> => {
  // A text has no method to open: nothing is kept then.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each byte of the script counts
  const request = ((settings.storage as IDBFactory | undefined) ?? indexedDB).open(NAME);
  request.onupgradeneeded = () => request.result.createObjectStore(NAME);
  await settled(request);
  return request.result;
};

/**
 * Runs a request on the stored queue, in its own transaction. It uses IndexedDB because, unlike `localStorage`, committed data
 * survive a killed browser.
 * @returns the result of the request when it is stored; `undefined` if the browser refuses storage
 */
// oxlint-disable-next-line typescript/consistent-return -- each byte of the script counts
export const stored = async <T>(work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | undefined> => {
  try {
    const transaction = (await (database ??= open())).transaction(NAME, 'readwrite');
    const request = work(transaction.objectStore(NAME));
    // At once, as the page may be about to go.
    transaction.commit();
    await settled(transaction);
    return request.result;
  } catch {
    // It is kept as long as the page.
  }
};
