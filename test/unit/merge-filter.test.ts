import { InvalidFilterError } from '../../lib/activity/activity.filter.js';
import { mergeFilter } from '../../lib/api/merge-filter.js';

interface Query {
  filter?: object | undefined;
  path?: string | undefined;
  user?: string | undefined;
  limit?: number;
}

const ALLOWED = ['path', 'name', 'user'];

describe('the parameter "filter"', () => {
  it.each<[Query, object]>([
    [{}, {}],
    [{ path: '/' }, { path: '/' }],
    [{ filter: undefined, path: '/' }, { path: '/' }],
    [{ filter: {}, path: '/' }, { path: '/' }],
    [
      { filter: { name: { not: 'view' } }, path: '/', limit: 5 },
      { name: { not: 'view' }, path: '/', limit: 5 },
    ],
    [{ filter: { path: '/a' }, path: undefined }, { path: '/a' }],
    [
      { filter: { path: '/a', name: 'b' }, user: undefined },
      { path: '/a', name: 'b', user: undefined },
    ],
  ])('is merged with the others: %j', (query, expected) => {
    expect(mergeFilter(query, ALLOWED)).toStrictEqual(expected);
  });

  it('must not have what another parameter has', () => {
    const query = { filter: { name: 'a', path: '/a' }, path: '/b', limit: 5 };
    const merge = (): unknown => mergeFilter(query, ALLOWED);
    expect(merge).toThrow(InvalidFilterError);
    expect(merge).toThrow(/^path must not be given twice/);
  });

  it.each(['limit', 'constructor', 'filter', ''])('has no property %j', (property) => {
    const merge = (): unknown => mergeFilter({ filter: { [property]: 'a' }, limit: 5 }, ALLOWED);
    expect(merge).toThrow(InvalidFilterError);
    expect(merge).toThrow(`filter.${property} is not known; allowed: path, name, user`);
  });
});
