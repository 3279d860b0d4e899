import { runInNewContext } from 'node:vm';
import { mysql } from '../../lib/database/drivers/mysql.js';
import { postgres } from '../../lib/database/drivers/postgres.js';
import { sqlite } from '../../lib/database/drivers/sqlite.js';
import { type DatabaseFailure, MIGRATIONS, RIGHTS } from '../../lib/database/failure.js';
import { UnavailableError } from '../../lib/store/unavailable.error.js';

type Expected = Partial<DatabaseFailure>;

const ROW: Expected = { kind: 'data' };
const MOMENT: Expected = { kind: 'transient' };
const LOCKED: Expected = { kind: 'transient', isLocked: true };
const TOO_SLOW: Expected = { kind: 'transient', isTooSlow: true };
const READ_ONLY: Expected = { kind: 'transient', isReadOnly: true };
const MISSING: Expected = { kind: 'schema', advice: MIGRATIONS };
const NO_RIGHT: Expected = { kind: 'schema', advice: RIGHTS };
const STATEMENT: Expected = { kind: 'schema', advice: undefined };

/** Nothing more is said than what the code means: no advice that does not fit. */
function only({ kind, advice, isLocked, isTooSlow, isReadOnly }: Expected): Expected {
  return { kind, advice, isLocked, isTooSlow, isReadOnly };
}

describe('a failure of PostgreSQL', () => {
  it.each<[code: string, name: string, Expected]>([
    ['08006', 'connection_failure', MOMENT],
    ['22001', 'string_data_right_truncation', ROW],
    ['22021', 'character_not_in_repertoire', ROW],
    ['23505', 'unique_violation', ROW],
    ['23514', 'check_violation', ROW],
    ['25006', 'read_only_sql_transaction', READ_ONLY],
    ['25P03', 'idle_in_transaction_session_timeout', MOMENT],
    ['28P01', 'invalid_password', MOMENT],
    ['3F000', 'invalid_schema_name', MISSING],
    ['40001', 'serialization_failure', MOMENT],
    ['40P01', 'deadlock_detected', MOMENT],
    ['42501', 'insufficient_privilege', NO_RIGHT],
    ['42601', 'syntax_error', STATEMENT],
    ['42703', 'undefined_column', MISSING],
    ['42P01', 'undefined_table', MISSING],
    ['53100', 'disk_full', MOMENT],
    ['53200', 'out_of_memory', MOMENT],
    ['53300', 'too_many_connections', MOMENT],
    ['55P03', 'lock_not_available', LOCKED],
    ['57014', 'query_canceled', TOO_SLOW],
    ['57P01', 'admin_shutdown', MOMENT],
    ['57P02', 'crash_shutdown', MOMENT],
    ['57P03', 'cannot_connect_now', MOMENT],
    ['58030', 'io_error', MOMENT],
    ['XX000', 'internal_error', MOMENT],
  ])('%s (%s)', (code, name, expected) => {
    const failure = postgres.failure(Object.assign(new Error(name), { code }));
    expect(failure).toMatchObject({ code, reason: name });
    expect(only(failure ?? {})).toEqual(only(expected));
  });
});

describe('a failure of MariaDB or MySQL', () => {
  it.each<[errno: number, sqlState: string, code: string, Expected]>([
    [1021, 'HY000', 'ER_DISK_FULL', MOMENT],
    [1040, '08004', 'ER_CON_COUNT_ERROR', MOMENT],
    [1044, '42000', 'ER_DBACCESS_DENIED_ERROR', NO_RIGHT],
    [1045, '28000', 'ER_ACCESS_DENIED_ERROR', MOMENT],
    [1053, '08S01', 'ER_SERVER_SHUTDOWN', MOMENT],
    [1054, '42S22', 'ER_BAD_FIELD_ERROR', MISSING],
    [1062, '23000', 'ER_DUP_ENTRY', ROW],
    [1064, '42000', 'ER_PARSE_ERROR', STATEMENT],
    [1114, 'HY000', 'ER_RECORD_FILE_FULL', MOMENT],
    [1142, '42000', 'ER_TABLEACCESS_DENIED_ERROR', NO_RIGHT],
    [1143, '42000', 'ER_COLUMNACCESS_DENIED_ERROR', NO_RIGHT],
    [1146, '42S02', 'ER_NO_SUCH_TABLE', MISSING],
    [1153, '08S01', 'ER_NET_PACKET_TOO_LARGE', ROW],
    [1203, '42000', 'ER_TOO_MANY_USER_CONNECTIONS', MOMENT],
    [1205, 'HY000', 'ER_LOCK_WAIT_TIMEOUT', LOCKED],
    [1213, '40001', 'ER_LOCK_DEADLOCK', MOMENT],
    [1226, '42000', 'ER_USER_LIMIT_REACHED', MOMENT],
    [1290, 'HY000', 'ER_OPTION_PREVENTS_STATEMENT', READ_ONLY],
    [1366, 'HY000', 'ER_TRUNCATED_WRONG_VALUE_FOR_FIELD', ROW],
    [1406, '22001', 'ER_DATA_TOO_LONG', ROW],
    [1792, '25006', 'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION', READ_ONLY],
    [1836, 'HY000', 'ER_READ_ONLY_MODE', READ_ONLY],
    [1927, '70100', 'ER_CONNECTION_KILLED', MOMENT],
    [1969, '70100', 'ER_STATEMENT_TIMEOUT', TOO_SLOW],
    [3024, 'HY000', 'ER_QUERY_TIMEOUT', TOO_SLOW],
    [3819, 'HY000', 'ER_CHECK_CONSTRAINT_VIOLATED', ROW],
    [4025, '23000', 'ER_CONSTRAINT_FAILED', ROW],
  ])('%s, SQLSTATE %s (%s)', (errno, sqlState, code, expected) => {
    const failure = mysql.failure(Object.assign(new Error(code), { errno, sqlState, code }));
    expect(failure).toMatchObject({ code, reason: code });
    expect(only(failure ?? {})).toEqual(only(expected));
  });
});

describe('a failure of SQLite', () => {
  it.each<[code: string, message: string, Expected]>([
    ['SQLITE_AUTH', 'not authorized', STATEMENT],
    ['SQLITE_BUSY', 'database is locked', LOCKED],
    ['SQLITE_BUSY_RECOVERY', 'database is locked', LOCKED],
    ['SQLITE_BUSY_SNAPSHOT', 'database is locked', LOCKED],
    ['SQLITE_CANTOPEN', 'unable to open database file', MOMENT],
    ['SQLITE_CONSTRAINT_CHECK', 'CHECK constraint failed', ROW],
    ['SQLITE_CONSTRAINT_PRIMARYKEY', 'UNIQUE constraint failed', ROW],
    ['SQLITE_CORRUPT', 'database disk image is malformed', MOMENT],
    ['SQLITE_ERROR', 'no such table: djaffar_activity', MISSING],
    ['SQLITE_ERROR', 'table djaffar_activity has no column named page', MISSING],
    ['SQLITE_ERROR', 'near "FORM": syntax error', STATEMENT],
    ['SQLITE_FULL', 'database or disk is full', MOMENT],
    ['SQLITE_IOERR_FSYNC', 'disk I/O error', MOMENT],
    ['SQLITE_IOERR_WRITE', 'disk I/O error', MOMENT],
    ['SQLITE_LOCKED', 'database table is locked', LOCKED],
    ['SQLITE_LOCKED_SHAREDCACHE', 'database table is locked', LOCKED],
    ['SQLITE_READONLY', 'attempt to write a readonly database', STATEMENT],
    ['SQLITE_TOOBIG', 'string or blob too big', ROW],
  ])('%s (%s)', (code, message, expected) => {
    const failure = sqlite.failure(Object.assign(new Error(message), { code }));
    expect(failure).toMatchObject({ code, reason: message });
    expect(only(failure ?? {})).toEqual(only(expected));
  });
});

describe.each([
  ['PostgreSQL', postgres],
  ['MariaDB', mysql],
  ['SQLite', sqlite],
])('%s', (_, driver) => {
  it.each([
    ['ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:5432'],
    ['ECONNRESET', 'read ECONNRESET'],
    ['ENOTFOUND', 'getaddrinfo ENOTFOUND db'],
    ['ETIMEDOUT', 'connect ETIMEDOUT'],
    ['PROTOCOL_CONNECTION_LOST', 'Connection lost: The server closed the connection.'],
  ])('is not there for a moment: %s', (code, message) => {
    expect(driver.failure(Object.assign(new Error(message), { code }))).toMatchObject({
      kind: 'transient',
      code,
    });
  });

  it('has nothing to do with other errors', () => {
    expect(driver.failure(new TypeError('x is not a function'))).toBeUndefined();
    expect(driver.failure('text')).toBeUndefined();
  });
});

it('is one incident if the connections are lost, whatever the server and the network say of it', () => {
  const codes = ['57P01', '57P03', '08006', 'ECONNREFUSED', 'ECONNRESET'];
  const incidents = codes.map(
    (code) => postgres.failure(Object.assign(new Error('lost'), { code }))?.incident,
  );
  expect(new Set(incidents)).toEqual(new Set(['connection']));
  expect(postgres.failure(new UnavailableError('the database does not answer'))?.incident).toBe('connection');
  const cause = Object.assign(new Error('too many connections'), { code: '53300' });
  expect(postgres.failure(new UnavailableError('the database does not answer', { cause }))).toMatchObject({
    code: '53300',
    reason: 'too many connections',
  });
});

it('is found in an error that only inherits from Error, as those of better-sqlite3 do', () => {
  const locked: object = Object.create(Error.prototype, {
    code: { value: 'SQLITE_BUSY' },
    message: { value: 'database is locked' },
  });
  expect(sqlite.failure(locked)).toMatchObject({ code: 'SQLITE_BUSY', reason: 'database is locked' });
});

it('is found in an error of another realm, as those of Node are in Jest', () => {
  const refused: unknown = runInNewContext("Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })");
  expect(postgres.failure(refused)).toMatchObject({ kind: 'transient', reason: 'refused' });
});
