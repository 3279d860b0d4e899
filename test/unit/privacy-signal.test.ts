import { hasPrivacySignal } from '../../lib/activity/privacy-signal.js';

describe('a privacy signal', () => {
  it.each([{ dnt: '1' }, { 'sec-gpc': '1' }, { dnt: '0', 'sec-gpc': '1' }])('is in %j', (headers) => {
    expect(hasPrivacySignal({ headers })).toBe(true);
  });

  it.each([
    [{ headers: { dnt: '0', 'sec-gpc': '0' } }],
    [{ headers: {} }],
    [{ headers: null }],
    [{ headers: 'dnt: 1' }],
    [{ headers: undefined }],
    [{}],
    [null],
    [undefined],
    ['a job'],
  ])('is not in %j', (request) => {
    expect(hasPrivacySignal(request)).toBe(false);
  });
});
