import { stringify } from 'csv-stringify/sync';
import { ACTIVITY_COLUMNS, SESSION_COLUMNS } from '../activity/reading/columns.js';
import type { ActivityRow } from '../activity/reading/rows.js';
import type { Session } from '../activity/session.entity.js';
import type { Format } from './format.js';
import { harmless } from './formula.js';
import { isoOf } from './iso.js';
import { once } from './once.js';

type Cell = string | null;

const HEADERS = [
  ...ACTIVITY_COLUMNS,
  ...SESSION_COLUMNS.filter((column) => column !== 'id').map((column) => `session.${column}`),
];

/** What has to be quoted. */
const SPECIAL = /[",\r\n]/;

const END = '\r\n';

/** RFC 4180. */
export function csv(raw: boolean): Format {
  const safe = (cell: Cell): Cell => (raw || cell === null ? cell : harmless(cell));
  const write = (cells: Cell[]): string => quoted(cells.map(safe));
  const writeSession = once((session) => write(cellsOfSession(session)));
  return {
    head: HEADERS.join(',') + END,
    row: (activity) => {
      const session = activity.session ? writeSession(activity.session) : NO_SESSION;
      return `${write(cellsOf(activity))},${session}`;
    },
    end: END,
    separator: '',
    tail: '',
    canGoOn: true,
    isJson: false,
  };
}

/** Most rows have nothing to quote, and csv-stringify, which knows how, takes most of the time. */
function quoted(cells: Cell[]): string {
  return cells.some((cell) => cell !== null && SPECIAL.test(cell))
    ? stringify([cells], { eof: false, quote_record_delimiter: true })
    : cells.join(',');
}

function cellsOf(activity: ActivityRow): Cell[] {
  return [
    activity.id,
    isoOf(activity.date),
    isoOf(activity.receivedAt),
    activity.name,
    activity.path,
    activity.referer,
    activity.properties,
    activity.userId,
    activity.userName,
    activity.sessionId,
    activity.visitId,
    activity.ipAddress,
  ];
}

function cellsOfSession({ userAgent, startedAt, browser, system, device, bot }: Session): Cell[] {
  return [userAgent, startedAt.toISOString(), browser, system, device, String(bot)];
}

const NO_SESSION = ',,,,,';
