import type { Session } from '../activity/session.entity.js';

/** Writes each session once, which activities have in common, as long as it is there. */
export function once(write: (session: Session) => string): (session: Session) => string {
  const texts = new WeakMap<Session, string>();
  return (session) => {
    const known = texts.get(session);
    if (known !== undefined) return known;
    const text = write(session);
    texts.set(session, text);
    return text;
  };
}
