import { readFileSync } from 'node:fs';

export const SQL_DOCS = readFileSync('docs/sql.md', 'utf8');

/** The part of docs/sql.md below a heading. */
export function sectionOf(heading: string): string {
  const [, part = ''] = SQL_DOCS.split(new RegExp(String.raw`^#+ ${heading}$`, 'm'));
  return part.split(/^#/m, 1)[0] ?? '';
}

/** The query below a heading, in the variant of a database. */
export function queryOf(heading: string, database: string): string {
  const blocks = [...sectionOf(heading).matchAll(/```sql\n(?:-- (.*)\n)?([^`]*);\n```/g)];
  const found = blocks.find(([, names]) => !names || names.toLowerCase().includes(database));
  if (!found?.[2]) throw new Error(`there is no query for ${database} below "${heading}"`);
  return found[2];
}

/** The headings of the queries in docs/sql.md. */
export const QUERY_HEADINGS = [
  'Visits a day',
  'Users a day',
  'Top pages',
  'Top sources',
  'Sessions by browser',
  'Bounce rate',
  'What was bought, by a property',
  'A funnel',
  "One user's history",
  'The latest activities',
];
