import { isIP } from 'node:net';
import fc from 'fast-check';
import { storedIp } from '../../lib/activity/ip-address.js';

describe('an IP address', () => {
  it.each([
    // address, full, masked
    ['127.0.0.1', '127.0.0.1', '127.0.0.0'],
    ['203.0.113.255', '203.0.113.255', '203.0.113.0'],
    ['::ffff:203.0.113.7', '203.0.113.7', '203.0.113.0'],
    ['::FFFF:203.0.113.7', '203.0.113.7', '203.0.113.0'],
    ['::ffff:cb00:7107', '203.0.113.7', '203.0.113.0'],
    ['0:0:0:0:0:ffff:203.0.113.7', '203.0.113.7', '203.0.113.0'],
    ['2001:db8:1234:5678:9abc:def0:1234:5678', '2001:db8:1234:5678:9abc:def0:1234:5678', '2001:db8:1234::'],
    ['2001:DB8:1234:5678::1', '2001:db8:1234:5678::1', '2001:db8:1234::'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1', '2001:db8::'],
    ['2001:db8::', '2001:db8::', '2001:db8::'],
    ['2001::5678:9abc:def0:1234:5678', '2001::5678:9abc:def0:1234:5678', '2001::'],
    ['::1', '::1', '::'],
    ['::', '::', '::'],
    ['fe80::1%eth0', 'fe80::1', 'fe80::'],
    ['fe80::1%25', 'fe80::1', 'fe80::'],
    ['64:ff9b::203.0.113.7', '64:ff9b::cb00:7107', '64:ff9b::'],
    ['203.0.113.7:51234', '203.0.113.7', '203.0.113.0'],
    ['[2001:db8::1]:443', '2001:db8::1', '2001:db8::'],
    ['[2001:DB8::1]', '2001:db8::1', '2001:db8::'],
    ['[::ffff:203.0.113.7]:51234', '203.0.113.7', '203.0.113.0'],
  ])('%s is stored in full as %s, masked as %s', (address, full, masked) => {
    expect(storedIp(address)).toBe(full);
    expect(storedIp(address, 'full')).toBe(full);
    expect(storedIp(address, 'masked')).toBe(masked);
    expect(storedIp(address, 'none')).toBeNull();
  });

  it.each([
    undefined,
    '',
    'unknown',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '0x7f.1',
    '2130706433',
    '1.2.3.4:',
    '1.2.3.4:a',
    '[1.2.3.4]:80',
    '[::1',
    '[::1]:a',
    '[]:80',
    '::1]:80',
    ':::',
    '1::2::3',
    '::g',
    '1.2.3.4, 5.6.7.8',
    ' 1.2.3.4',
    "'; DROP TABLE djaffar_activity; --",
  ])('%j is none', (address) => {
    expect([storedIp(address), storedIp(address, 'masked')]).toEqual([null, null]);
  });

  it('of version 4 loses its last octet if it is masked, also within version 6', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const masked = address.replace(/\d+$/, '0');
        for (const given of [address, `::ffff:${address}`]) {
          expect(storedIp(given, 'full')).toBe(address);
          expect(storedIp(given, 'masked')).toBe(masked);
        }
      }),
    );
  });

  it('of version 6, however it is written, is at most 45 characters long, and masked all of /48 are one', () => {
    const anAddress = fc.ipV6().filter((address) => isIP(address) === 6);
    fc.assert(
      fc.property(anAddress, (address) => {
        const full = storedIp(address) ?? '';
        expect(isIP(full)).toBeGreaterThan(0);
        expect(full.length).toBeLessThanOrEqual(45);
        expect(storedIp(full)).toBe(full);
        expect(storedIp(storedIp(address, 'masked') ?? '', 'masked')).toBe(storedIp(address, 'masked'));
      }),
      { numRuns: 1000 },
    );
    const groups = fc.array(fc.integer({ min: 1, max: 0xffff }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(groups, (eight) => {
        const hexadecimal = eight.map((group) => group.toString(16));
        expect(storedIp(hexadecimal.join(':'), 'masked')).toBe(`${hexadecimal.slice(0, 3).join(':')}::`);
      }),
    );
  });

  it('is never made of what is none, and nothing fails', () => {
    const alike = fc.string({
      unit: fc.constantFrom(...Array.from('0123456789abcdefF:.%x/[] ')),
      maxLength: 50,
    });
    fc.assert(
      fc.property(fc.oneof(alike, fc.string({ unit: 'binary' })), (text) => {
        expect(storedIp(text, 'masked') !== null).toBe(isIP(text) > 0);
      }),
      { numRuns: 2000 },
    );
  });
});
