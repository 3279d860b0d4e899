/** One browser, identified by the cookie `djaffar_session` or by the host's own session. */
export class Session {
  /** A random id, or the SHA-256 (hexadecimal) of the id that the option `session.id` returned. */
  id!: string;

  /** The first user agent that was seen, at most 1,024 characters of it. */
  userAgent!: string | null;

  /** The server's clock at the first activity. */
  startedAt!: Date;

  /** The browser's name without its version, such as `Firefox`. */
  browser!: string | null;

  /** The operating system's name, such as `Windows`. */
  system!: string | null;

  /** The kind of device: `desktop`, `mobile`, `tablet`, `tv` or `bot`. */
  device!: string | null;

  /** Whether the user agent is that of a known bot. */
  bot!: boolean;

  /** Whether the visitor had agreed to be identified when the session began; `null` without the option `consent`. */
  consent!: boolean | null;
}

/** The session of some activities; its row is asked for only if it may be new. */
export interface NewSession {
  id: string;
  row(): Session;
}
