/** Knows the countries of addresses; `mmdb(file)` returns one. */
export interface GeoDatabase {
  /** Called once, before the application listens; if it rejects, the application does not start. */
  open(): Promise<void>;
  /**
   * Called when a session begins. It must be quick, because nobody waits for it.
   * @param address IPv4, or IPv6 that is not IPv4-mapped; it is the whole address, whatever the option `ip` is
   * @returns an ISO 3166-1 code, such as `DE`
   */
  countryOf(address: string): string | null;
}

/** The source of a session's country. */
export type GeoOption = 'headers' | GeoDatabase | false;
