import type { ActivityOnPage } from '../activity/activity.js';
import type { Session } from '../activity/session.js';

/**
 * Stores a batch durably and atomically. Ids that are stored already are skipped.
 * @param within milliseconds after which it is cancelled; then nothing is stored, or it is unknown if the engine does not answer
 */
export type Write = (batch: Batch, within: number) => Promise<void>;

export interface Batch {
  activities: ActivityOnPage[];
  /** The sessions that may be new. */
  sessions: Session[];
  /** Returns the same token for each try of the same batch, so that an engine recognizes a retry. */
  token(): string;
}
