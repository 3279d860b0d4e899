/** Seconds after which a rejected client may try again. */
export const RETRY_AFTER = '1';
