/** Rows in one message; between two messages, the host's event loop handles other work. */
const ROWS_IN_MESSAGE = 250;

/**
 * The program of a {@link ReaderProcess}, in CommonJS for `node -e`. It is text, so that it can be bundled with the library.
 *
 * It receives `{ open }` once, and then `{ id, sql, parameters }`. It answers with any number of `{ id, rows, columns }`, and
 * then `{ id, isDone }` or `{ id, error }`.
 */
export const READER_PROGRAM = `
'use strict';
let database;
const statements = new Map();

// Ctrl-C reaches all processes of a terminal. This one ends with its parent.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('disconnect', () => {
  try {
    database?.close();
  } finally {
    process.exit();
  }
});

function open({ module, file, nativeBinding, key, pragmas }) {
  const loaded = require(module);
  const Database = typeof loaded === 'function' ? loaded : loaded.default;
  database = new Database(file, nativeBinding ? { nativeBinding } : {});
  if (key !== undefined) database.pragma('key = ' + JSON.stringify(key));
  for (const pragma of pragmas) database.exec('PRAGMA ' + pragma);
}

function prepared(sql) {
  const known = statements.get(sql);
  if (known) return known;
  const statement = database.prepare(sql);
  if (statements.size >= 100) statements.delete(statements.keys().next().value);
  statements.set(sql, statement);
  return statement;
}

function run({ id, sql, parameters }) {
  const statement = prepared(sql);
  if (!statement.reader) {
    statement.run(...parameters);
    return;
  }
  const columns = statement.columns().map(({ name }) => name);
  const rows = statement.raw(true).all(...parameters);
  for (let at = 0; at < rows.length; at += ${ROWS_IN_MESSAGE})
    process.send({ id, columns, rows: rows.slice(at, at + ${ROWS_IN_MESSAGE}) });
}

process.on('message', (message) => {
  const { id } = message;
  try {
    if (message.open) open(message.open);
    else run(message);
    process.send({ id, isDone: true });
  } catch (error) {
    const { message: reason = String(error), code } = error ?? {};
    process.send({ id, error: { reason, code: typeof code === 'string' ? code : undefined } });
  }
});
`;
