/**
 * Returns true if a Content-Security-Policy stops a page from loading a script from an address, or from sending to it.
 * @see https://www.w3.org/TR/CSP3/#match-url-to-source-expression
 */
export function isBlocked(
  policy: string,
  directive: 'script-src' | 'connect-src',
  address: URL,
  page: URL,
): boolean {
  const directives = new Map(
    policy.split(';').map((part): [string, string[]] => {
      const [name = '', ...sources] = part.trim().toLowerCase().split(/\s+/);
      return [name, sources];
    }),
  );
  const names = directive === 'script-src' ? ['script-src-elem', 'script-src'] : ['connect-src'];
  const sources = [...names, 'default-src'].map((name) => directives.get(name)).find((found) => found);
  return sources !== undefined && !sources.some((source) => isMatch(source, address, page));
}

/** Returns the policies in the page's `<meta>` tags. */
export function findMetaPolicies(html: string): string[] {
  const tags = html.match(/<meta\b[^>]{1,10000}>/gi) ?? [];
  return tags.flatMap((tag) => {
    if (!/\bhttp-equiv=["']?content-security-policy\b/i.test(tag)) return [];
    const [, quoted, other] = /\bcontent=(?:"([^"]*)"|'([^']*)')/i.exec(tag) ?? [];
    return quoted ?? other ?? [];
  });
}

function isMatch(source: string, address: URL, page: URL): boolean {
  if (source === '*') return /^https?:$/.test(address.protocol);
  if (source === "'self'") return address.origin === page.origin;
  if (/^[a-z][a-z\d+.-]*:$/.test(source)) return source === address.protocol;
  const [, scheme, host = '', port, path = ''] =
    /^(?:([a-z][a-z\d+.-]*):\/\/)?([^/:']+)(?::(\d+|\*))?(\/.*)?$/.exec(source) ?? [];
  if (scheme !== undefined && `${scheme}:` !== address.protocol) return false;
  const isHost = host.startsWith('*.') ? address.hostname.endsWith(host.slice(1)) : address.hostname === host;
  const isPort = port === undefined ? address.port === '' : port === '*' || port === address.port;
  return (
    isHost &&
    isPort &&
    (path.endsWith('/') ? address.pathname.startsWith(path) : path === '' || path === address.pathname)
  );
}
