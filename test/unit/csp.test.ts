import { isBlocked } from '../../lib/cli/doctor/csp.js';

const page = new URL('https://example.org/');
const own = new URL('https://example.org/djaffar/');
const other = new URL('https://stats.example.com/djaffar/');

describe('a Content-Security-Policy', () => {
  it.each([
    ["default-src 'self'", own, false],
    ["default-src 'self'", other, true],
    ["default-src 'none'", own, true],
    ["script-src 'none'; connect-src 'self'", own, false],
    ["default-src 'none'; connect-src *", other, false],
    ['connect-src https:', other, false],
    ['connect-src wss:', own, true],
    ['connect-src stats.example.com', other, false],
    ['connect-src *.example.com', other, false],
    ['connect-src *.example.com', new URL('https://example.com/djaffar/'), true],
    ['connect-src https://stats.example.com:8443', other, true],
    ['connect-src https://stats.example.com:8443', new URL('https://stats.example.com:8443/djaffar/'), false],
    ['connect-src https://stats.example.com/djaffar/', other, false],
    ['connect-src https://stats.example.com/other/', other, true],
    ['connect-src http://stats.example.com', other, true],
    ["connect-src 'nonce-abc'", own, true],
    ['img-src *', other, false],
    ['', other, false],
  ])('%j for %s blocks sending: %s', (policy, address, expected) => {
    expect(isBlocked(policy, 'connect-src', address, page)).toBe(expected);
  });

  it('has its own directive for scripts that are elements', () => {
    expect(isBlocked("script-src 'self'; script-src-elem 'none'", 'script-src', own, page)).toBe(true);
    expect(isBlocked("default-src 'none'; script-src 'self'", 'script-src', own, page)).toBe(false);
  });
});
