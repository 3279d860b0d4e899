import { hasPrivacySignal, modeOutsideRequest, restrictIpPolicy } from '../../lib/activity/privacy.js';

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

describe('the policy for addresses', () => {
  it.each([
    ['identified', 'full', 'full'],
    ['identified', 'none', 'none'],
    ['cookieless', 'full', 'masked'],
    ['cnil', 'masked', 'masked'],
    ['nothing', 'full', 'masked'],
    ['cnil', 'none', 'none'],
  ] as const)('in the mode %s, %s becomes %s', (mode, policy, restricted) => {
    expect(restrictIpPolicy(mode, policy)).toBe(restricted);
  });
});

describe('the mode outside of a request', () => {
  const consent = (): boolean => true;

  it.each([
    ['identified', undefined, 'identified'],
    ['cookieless', undefined, 'cookieless'],
    ['cookieless', consent, 'identified'],
    ['cnil', undefined, 'cnil'],
    ['cnil', consent, 'cnil'],
    [() => 'cnil' as const, undefined, 'identified'],
  ] as const)('with the option %s and the consent %s is %s', (privacy, given, mode) => {
    expect(modeOutsideRequest({ privacy, consent: given })).toBe(mode);
  });
});
