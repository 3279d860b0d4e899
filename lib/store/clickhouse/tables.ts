/** The tables, as statements name them: the database is the connection's. */
export const ACTIVITY = 'djaffar_activity';
export const SESSION = 'djaffar_session';
export const VISIT = 'djaffar_visit';
export const DIRTY_VISIT = 'djaffar_dirty_visit';
export const STATE = 'djaffar_state';
export const SIGNING_KEY = 'djaffar_signing_key';
export const SALT = 'djaffar_salt';
export const COOKIELESS_VISIT = 'djaffar_cookieless_visit';
export const OUTCOME = 'djaffar_outcome';
export const MIGRATION = 'djaffar_migration';

export const TABLES = [
  ACTIVITY,
  SESSION,
  VISIT,
  DIRTY_VISIT,
  STATE,
  SIGNING_KEY,
  SALT,
  COOKIELESS_VISIT,
  OUTCOME,
  MIGRATION,
];
