/** A user who has logged in during a session. */
export interface SessionClaim {
  session: string;
  user: string;
  userName: string | null;
  /** The ids of some activities of the user in the session; one that was sent again may be stored without the user. */
  activities: string[];
  /** The latest date of these. */
  until: Date;
}

/** Gives activities before a login to the user. */
export interface SessionClaimStore {
  /** How many claims one call takes, at most. */
  readonly atOnce: number;
  /** Milliseconds between two calls of an instance, at least. */
  readonly pause: number;
  /**
   * Gives the anonymous activities of each session to its user: those up to the user's activity, and after the last one of another
   * user. Bots and sessions without a cookie keep theirs.
   * @param claims each of another session
   * @returns for each claim, whether it was done; not if none of the user's activities is stored as one of this user
   */
  claim(claims: SessionClaim[]): Promise<boolean[]>;
}
