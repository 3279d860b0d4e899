/** The properties of the browser that are stored in the session and copied to its visits; statistics can filter and rank by them. */
export const SESSION_PROPERTIES = ['browser', 'system', 'device', 'country', 'language'] as const;
/** One of {@link SESSION_PROPERTIES}. */
export type SessionProperty = (typeof SESSION_PROPERTIES)[number];

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

  /** The country at the start of the session, as an ISO 3166-1 code such as `DE`, if the option `geo` is set. */
  country!: string | null;

  /** The first language of its first `Accept-Language` header, as a BCP 47 tag such as `en-US`. */
  language!: string | null;

  /** Whether the user agent is that of a known bot. */
  bot!: boolean;

  /** Whether the visitor had agreed to be identified when the session began; `null` without the option `consent`. */
  consent!: boolean | null;
}

/** The session of some activities; `row` is called only if the session may be new. */
export interface NewSession {
  id: string;
  row(): Session;
}

/** Returns the properties that visits copy; all are `null` without a session. */
export function copySessionProperties(
  session: Readonly<Record<SessionProperty, string | null>> | undefined,
): Record<SessionProperty, string | null> {
  const { browser = null, system = null, device = null, country = null, language = null } = session ?? {};
  return { browser, system, device, country, language };
}

/** The data of a new session that come from its first request. */
export interface SessionSource {
  userAgent: string | null;
  /** An ISO 3166-1 code. */
  country: string | null;
  /** A BCP 47 tag. */
  language: string | null;
}
