import type { Rule } from './rule.js';

/** The protocols of databases that need only a URL. */
export const DATABASE_URL = /^(postgres|postgresql|mysql|mariadb):/;

const isDatabase = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null) return false;
  if ('type' in value) return typeof value.type === 'string';
  return 'url' in value && typeof value.url === 'string' && DATABASE_URL.test(value.url);
};

/** Describes the fault without the password and the host of the URL. */
function explainDatabase(value: unknown): string {
  if (typeof value !== 'object' || value === null || !('url' in value)) return 'has no url, and no type';
  const { url } = value;
  if (typeof url !== 'string') return `has a url that is ${url === undefined ? 'undefined' : 'no text'}`;
  const [scheme] = /^[a-z][\w+-]*:/i.exec(url) ?? [];
  return scheme === undefined ? 'has a url without a scheme' : `has a url that begins with '${scheme}'`;
}

export const DATABASE_RULE: Rule = {
  // A URL has a password.
  isSecret: true,
  allowed:
    "an object with a url that begins with 'postgres:', 'mysql:' or 'mariadb:', or with the options of a TypeORM data source, such as { type: 'better-sqlite3', database: 'app.sqlite' }",
  accepts: isDatabase,
  explain: explainDatabase,
};
