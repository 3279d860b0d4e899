import type { StoredActivity } from '../../lib/activity/activity.js';
import { PageResolver } from '../../lib/activity/page.js';
import { toBatch, toRows } from '../../lib/activity/batch-committer.js';

const DATE = new Date('2026-02-03T04:05:06.789Z');

function activity(id: string, path: string): StoredActivity {
  const nobody = { userId: null, userName: null, sessionId: null, visitId: null, ipAddress: null };
  const nowhere = { groupId: null, groupName: null };
  const others = { route: null, referer: null, properties: null, subject: null, interactive: null };
  return { id, date: DATE, receivedAt: DATE, name: 'view', path, ...nobody, ...nowhere, ...others };
}

describe('a batch of activities', () => {
  const rowsOf = (...ids: string[]): ReturnType<typeof toRows> =>
    toRows(
      ids.map((id) => activity(id, '/')),
      new PageResolver(),
    );

  it('has the token of its ids, by which a database knows it again', () => {
    const tokenOf = (...ids: string[]): string => toBatch(rowsOf(...ids), []).token();
    expect(tokenOf('a', 'b')).toMatch(/^[\da-f]{64}$/);
    expect(tokenOf('a', 'b')).toBe(tokenOf('a', 'b', 'a'));
    expect(new Set([tokenOf(), tokenOf('a'), tokenOf('b'), tokenOf('a', 'b')]).size).toBe(4);
  });

  it('has the page of each path', () => {
    const pages = new PageResolver();
    const rows = toRows([activity('a', '/a'), activity('b', '/b?c=d')], pages);
    expect(rows.map(({ page }) => page)).toEqual([pages.find('/a'), pages.find('/b?c=d')]);
    expect(rows[0]?.page).toBeDefined();
  });
});
