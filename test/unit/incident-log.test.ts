import { IncidentLog } from '../../lib/diagnostics/incident-log.js';

const MINUTE = 60_000;
const failure = { code: '53300', reason: 'too many clients' };

describe('the log of incidents', () => {
  let now: number;
  let lines: string[];
  let log: IncidentLog;

  beforeEach(() => {
    now = 0;
    lines = [];
    const write = (level: string) => (line: unknown) => void lines.push(`${level} ${String(line)}`);
    log = new IncidentLog(
      { log: write('log'), warn: write('warn'), error: write('error') },
      { now: () => now },
    );
  });

  it('says once that an incident begins, once a minute that it lasts, and once that it is over', () => {
    for (let second = 0; second <= 130; second++) {
      now = second * 1000;
      for (let i = 0; i < 10; i++) log.failed('activities cannot be stored', failure);
    }
    log.worked('activities cannot be stored');
    log.worked('activities cannot be stored');
    expect(lines).toEqual([
      'error activities cannot be stored: too many clients',
      'error activities cannot be stored, 601 times in 60 s: too many clients',
      'error activities cannot be stored, 1201 times in 120 s: too many clients',
      'log over after 130 s (1310 times): activities cannot be stored',
    ]);
  });

  it('does not fill the log if something fails and works in turn', () => {
    for (now = 0; now < 10 * MINUTE; now += 100) {
      log.failed('activities cannot be stored', failure, 'warn');
      log.worked('activities cannot be stored');
    }
    expect(lines.length).toBeLessThanOrEqual(20);
    expect(lines[0]).toBe('warn activities cannot be stored: too many clients');
  });

  it('distinguishes incidents by symptom and code, and logs the advice', () => {
    log.failed('activities cannot be stored', failure);
    log.failed('activities cannot be stored', {
      code: '42P01',
      reason: 'no table',
      advice: 'run the migrations',
    });
    log.failed('statistics cannot be read', failure);
    log.worked('statistics cannot be read');
    expect(lines).toEqual([
      'error activities cannot be stored: too many clients',
      'error activities cannot be stored: no table (run the migrations)',
      'error statistics cannot be read: too many clients',
      'log over after 0.0 s (1 times): statistics cannot be read',
    ]);
  });

  it('takes failures with other codes for the same incident if they say so', () => {
    const lost = (code: string) => ({ code, reason: code, incident: 'connection' });
    log.failed('activities cannot be stored', lost('ECONNRESET'), 'warn');
    log.failed('activities cannot be stored', lost('ECONNREFUSED'), 'warn');
    log.worked('activities cannot be stored');
    expect(lines).toEqual([
      'warn activities cannot be stored: ECONNRESET',
      'log over after 0.0 s (2 times): activities cannot be stored',
    ]);
  });

  it('does not log consequences of a current failure, but logs them after it is over', () => {
    const overload = { code: 'OVERLOAD', reason: 'too many wait' };
    log.failed('activities cannot be stored', failure);
    log.followed('activities cannot be stored', overload);
    log.worked('activities cannot be stored');
    log.followed('activities cannot be stored', overload);
    now = MINUTE;
    log.followed('activities cannot be stored', overload);
    log.failed('statistics cannot be read', failure);
    now = 2 * MINUTE;
    log.followed('statistics cannot be read', overload);
    expect(lines).toEqual([
      'error activities cannot be stored: too many clients',
      'log over after 0.0 s (1 times): activities cannot be stored',
      'error activities cannot be stored: too many wait',
      'error activities cannot be stored, 2 times in 60 s: too many wait',
      'error statistics cannot be read: too many clients',
      'error statistics cannot be read: too many wait',
    ]);
  });
});
