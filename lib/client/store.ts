const NAME = 'djaffar';
/** Milliseconds after which the browser is taken to refuse storage. */
const PATIENCE = 3000;

let database: Promise<IDBDatabase> | undefined;

function event(target: EventTarget, type: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    target.addEventListener(type, resolve);
    target.addEventListener('error', reject);
    // Chromium lets a page into the back/forward cache while it creates the database, and everybody else wait for it.
    setTimeout(reject, PATIENCE);
  });
}

async function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(NAME);
  request.onupgradeneeded = () => request.result.createObjectStore(NAME);
  await event(request, 'success');
  return request.result;
}

/**
 * Works on what outlives the page, in a transaction of its own. It is IndexedDB because, unlike `localStorage`, what it
 * has committed outlives the browser's being killed.
 * @returns the result of the request, once that is kept; `undefined` where the browser refuses storage
 */
export async function stored<T>(work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | undefined> {
  try {
    const transaction = (await (database ??= open())).transaction(NAME, 'readwrite');
    const request = work(transaction.objectStore(NAME));
    // At once, as the page may be about to go.
    transaction.commit();
    await event(transaction, 'complete');
    return request.result;
  } catch {
    return undefined;
  }
}
