import { ACTIVITY_COLUMNS, SESSION_COLUMNS } from '../store/typeorm/reading/columns.js';
import type { ActivityRow } from '../store/typeorm/reading/rows.js';
import type { Session } from '../activity/session.entity.js';
import { BYTE_ORDER_MARK, type Cell, csvRow, LINE_BREAK } from './csv-row.js';
import type { Format } from './format.js';
import { isoOf } from './iso.js';
import { once } from './once.js';

const HEADERS = [
  ...ACTIVITY_COLUMNS,
  ...SESSION_COLUMNS.filter((column) => column !== 'id').map((column) => `session.${column}`),
];

export interface CsvOptions {
  /** Leaves cells unchanged that a spreadsheet would run as a formula. */
  raw?: boolean;
  /** Begins with a byte order mark; default true. */
  bom?: boolean;
}

/** RFC 4180, with a header. */
export function csv({ raw = false, bom = true }: CsvOptions): Format {
  const write = (cells: Cell[]): string => csvRow(cells, raw);
  const writeSession = once((session) => write(cellsOfSession(session)));
  return {
    head: (bom ? BYTE_ORDER_MARK : '') + HEADERS.join(',') + LINE_BREAK,
    row: (activity) => {
      const session = activity.session ? writeSession(activity.session) : NO_SESSION;
      return `${write(cellsOf(activity))},${session}`;
    },
    end: LINE_BREAK,
    separator: '',
    tail: '',
    canGoOn: true,
    isJson: false,
  };
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
