import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { HmacSha256 } from '../../lib/privacy/hmac.js';

describe('the HMAC of a text', () => {
  it("is the one of Node's createHmac, in any order", () => {
    const aKey = fc.uint8Array({ minLength: 1, maxLength: 64 });
    const someTexts = fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(aKey, someTexts, (key, texts) => {
        const hmac = new HmacSha256(key);
        for (const text of texts)
          expect(hmac.digest(text)).toBe(createHmac('sha256', key).update(text).digest('base64url'));
      }),
      { numRuns: 300 },
    );
  });
});
