/**
 * Query parameters whose values are likely to be secrets or personal data: the default of the option `scrub`. Case, `-`, `_`
 * and brackets are ignored. A name with a leading `*` also matches longer names that end with it, such as `resetToken`.
 */
export const SECRET_PARAMETERS: readonly string[] = [
  '*token',
  '*password',
  '*passwd',
  '*secret',
  '*apikey',
  '*signature',
  '*email',
  'auth',
  'authorization',
  'code',
  'credential',
  'credentials',
  'jwt',
  'key',
  'nonce',
  'otp',
  'phone',
  'pin',
  'pwd',
  'reset',
  'session',
  'sessionid',
  'sid',
  'sig',
  'ssn',
  'ticket',
];
