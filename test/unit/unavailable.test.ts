import { DataSource, EntityNotFoundError, QueryRunnerAlreadyReleasedError } from 'typeorm';
import { unavailableAfter } from '../../lib/database/unavailable.js';
import { UnavailableError } from '../../lib/store/unavailable.error.js';

/** Never connected. */
const POSTGRES = new DataSource({ type: 'postgres' });

const failureOf = (code: string, message: string): Error => Object.assign(new Error(message), { code });

describe('the error for the caller of a failed question', () => {
  it.each([
    [
      'a lost connection',
      failureOf('ECONNREFUSED', 'connect ECONNREFUSED 10.0.0.1:5432'),
      'connect ECONNREFUSED 10.0.0.1:5432',
    ],
    [
      'a connection that TypeORM has released',
      new QueryRunnerAlreadyReleasedError(),
      'it has ended the connection',
    ],
    [
      'statistics that were never computed',
      new EntityNotFoundError('state', 1),
      'the statistics were never computed',
    ],
    [
      'a host with two addresses',
      Object.assign(new AggregateError([failureOf('ECONNREFUSED', 'no server at ::1'), new Error('other')]), {
        code: 'ECONNREFUSED',
      }),
      'no server at ::1',
    ],
    ['an error without a text', Object.assign(new TypeError(), { code: 'ECONNRESET' }), 'TypeError'],
  ])('says why after %s, but not to visitors', (_, error, reason) => {
    const found = unavailableAfter(POSTGRES, error);
    expect(found).toBeInstanceOf(UnavailableError);
    expect(found).toMatchObject({
      message: `the database does not answer: ${reason}`,
      answer: 'the database does not answer',
      cause: error,
    });
  });

  it('has the remedy, but not for visitors', () => {
    const error = failureOf('42P01', 'relation "djaffar_activity" does not exist');
    expect(unavailableAfter(POSTGRES, error)).toMatchObject({
      message:
        'the database refuses this: relation "djaffar_activity" does not exist (a table or column of Djaffar is missing: ' +
        'run the migrations, with djaffarMigrations among them)',
      answer: 'the database refuses this request; the log of the application says why',
    });
  });

  it('stays what it is if it is of this kind', () => {
    const error = new UnavailableError('too many wait');
    expect(unavailableAfter(POSTGRES, error)).toBe(error);
  });

  it.each([
    ['a value that the database refuses', failureOf('22021', 'invalid byte sequence')],
    ['an error of the program', new TypeError('undefined is not a function')],
    ['no error', 'a text'],
  ])('is none for %s', (_, error) => {
    expect(unavailableAfter(POSTGRES, error)).toBeUndefined();
  });
});
