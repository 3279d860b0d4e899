import { ClickHouseError } from '@clickhouse/client';
import { isError, readMessage } from '../../diagnostics/thrown.js';
import type { StoreFailure } from '../store.js';
import { UnavailableError } from '../unavailable.error.js';

/** Codes of errors in the data, besides those named `CANNOT_PARSE_…`. Another attempt would fail too. */
const DATA = new Set([
  '6',
  '26',
  '27',
  '38',
  '41',
  '53',
  '69',
  '72',
  '117',
  '131',
  '321',
  '349',
  '376',
  '441',
  '691',
]);
/** UNKNOWN_TABLE, UNKNOWN_DATABASE, NO_SUCH_COLUMN_IN_TABLE, UNKNOWN_IDENTIFIER. */
const NOT_MIGRATED = new Set(['60', '81', '16', '47']);
/** ACCESS_DENIED, AUTHENTICATION_FAILED, UNKNOWN_USER, WRONG_PASSWORD, REQUIRED_PASSWORD, READONLY. */
const RIGHTS = new Set(['497', '516', '192', '193', '194', '164']);

/** UNKNOWN_SETTING. */
const TOO_OLD = '115';

const MIGRATE = 'a table or column of Djaffar is missing: run "djaffar migrate"';
const UPDATE = 'the ClickHouse server is too old: Djaffar needs version 25.6 or newer';
const GRANT = 'the ClickHouse user lacks a right on the tables of Djaffar';

/** Codes of Node's network errors; the client has none for its time-out. */
const NETWORK = /^(E[A-Z_]{3,}|HPE_|UND_)/;
const TIMEOUT = /^(Timeout error|socket hang up|The (user|operation) (was )?aborted)/i;

/** Classifies an error of the engine, with a remedy; `undefined` for any other error. */
export function classifyFailure(error: unknown): StoreFailure | undefined {
  if (error instanceof ClickHouseError) return classifyServerError(error);
  if (!isError(error)) return undefined;
  if (error instanceof UnavailableError) {
    const cause = classifyFailure(error.cause);
    return cause ?? { kind: 'transient', code: error.name, reason: error.message };
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  const isOfConnection = NETWORK.test(code) || TIMEOUT.test(error.message) || error.name === 'AbortError';
  return isOfConnection ? { kind: 'transient', code, reason: readMessage(error) || code } : undefined;
}

function classifyServerError({ code, type, message }: ClickHouseError): StoreFailure {
  const reason = `${message.split('\n', 1)[0]} (${type ?? `code ${code}`})`;
  if (NOT_MIGRATED.has(code)) return { kind: 'schema', code, reason, advice: MIGRATE, isNotMigrated: true };
  if (code === TOO_OLD) return { kind: 'schema', code, reason, advice: UPDATE };
  if (RIGHTS.has(code)) return { kind: 'schema', code, reason, advice: GRANT };
  const isOfData = DATA.has(code) || type?.startsWith('CANNOT_PARSE_');
  return { kind: isOfData ? 'data' : 'transient', code, reason };
}
