/** True for a path that ends with the route: the host's global prefix comes first, and Express ignores case. */
export function routeAt(path: string, route: string): (pathname: string) => boolean {
  const end = `/${path.replace(/^\/|\/$/g, '')}/${route}`.toLowerCase();
  return (pathname) => pathname.replace(/\/$/, '').toLowerCase().endsWith(end);
}

/** True for the routes of the dashboard, except the one that sets the cookie: a cookie must not renew itself. */
export function openedBySession(path: string): (url: string) => boolean {
  const dashboard = `/${path.replace(/^\/|\/$/g, '')}/dashboard/`.toLowerCase();
  return (url) => {
    const pathname = `${url.split('?', 1)[0]?.toLowerCase()}/`;
    return pathname.includes(dashboard) && !pathname.includes(`${dashboard}session/`);
  };
}
