import type { Session } from '../activity/session.entity.js';

/** Writes each session once, which activities have in common, as long as it is there. */
export function once<T extends string | Uint8Array>(write: (session: Session) => T): (session: Session) => T {
  const texts = new WeakMap<Session, T>();
  return (session) => {
    const known = texts.get(session);
    if (known !== undefined) return known;
    const text = write(session);
    texts.set(session, text);
    return text;
  };
}
