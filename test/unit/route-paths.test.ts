import { openedBySession, routeAt } from '../../lib/http/route-paths.js';

describe.each(['x/y', '/x/y', 'x/y/', '/x/y/', 'X/y'])('with the path %j', (path) => {
  it.each([
    ['/x/y/event', true],
    ['/x/y/event/', true],
    ['/api/v1/x/y/event', true],
    ['/X/Y/Event', true],
    ['/x/y/events', false],
    ['/x/y/event/more', false],
    ['/x/y/event//', false],
    ['/xx/y/event', false],
    ['/x/event', false],
    ['/x/y', false],
  ])('%s is the route of events: %s', (pathname, expected) => {
    expect(routeAt(path, 'event')(pathname)).toBe(expected);
    expect(routeAt(path, 'Event')(pathname)).toBe(expected);
  });

  it.each([
    ['/x/y/dashboard', true],
    ['/x/y/dashboard/', true],
    ['/x/y/dashboard?view=live', true],
    ['/api/X/Y/Dashboard/data/activities?limit=1', true],
    ['/x/y/dashboard/sessions', true],
    ['/x/y/dashboard/session', false],
    ['/x/y/dashboard/SESSION/', false],
    ['/x/y/dashboard/session?x=1', false],
    ['/x/y/dashboards', false],
    ['/y/dashboard', false],
    ['/xx/y/dashboard', false],
    ['/x/y/track?referer=/x/y/dashboard/', false],
    ['/x/y/dashboard/data?next=/x/y/dashboard/session/', true],
  ])('%s is opened by the session of the dashboard: %s', (url, expected) => {
    expect(openedBySession(path)(url)).toBe(expected);
  });
});
