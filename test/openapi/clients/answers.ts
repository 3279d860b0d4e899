/** One value of each answer: what the types of a client have to know. */
export interface Answers {
  track: number;
  trackForm: number;
  find: string | undefined;
  properties: unknown;
  ndjson: string;
  csv: string;
  json: string | undefined;
  overview: number | null | undefined;
  compared: string | undefined;
  series: number;
  measure: number | null | undefined;
  top: string | null | undefined;
  live: number | undefined;
  funnel: number | undefined;
  retention: number | undefined;
  journeys: string | null | undefined;
  visits: string | undefined;
  health: number | undefined;
  wrong: string[] | undefined;
}

const [url = ''] = process.argv.slice(2);
export const baseUrl: string = url;
/** Node's own user agent is a bot's. */
export const headers = {
  'X-Admin': 'yes',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
};
export const date = new Date().toISOString();
export const steps = JSON.stringify([{ path: '/openapi' }]);

declare const process: { argv: string[] };

/** Adds up what a series has. */
export function sum(points: { value: number | null }[] = []): number {
  return points.reduce((total, { value }) => total + (value ?? 0), 0);
}
