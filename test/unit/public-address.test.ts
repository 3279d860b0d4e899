import dns from 'node:dns/promises';
import { isPublic, resolveAddresses } from '../../lib/subscriptions/public-address.js';

it.each([
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '100.127.255.255',
  '127.0.0.1',
  '168.63.129.16',
  '169.254.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.1',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.1.1',
  '192.168.255.255',
  '198.18.0.1',
  '198.19.255.255',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '64:ff9b::7f00:1',
  '2001::1',
  '2001:1ff:ffff::1',
  '2001:db8::1',
  '2002:7f00:1::',
  '3fff::1',
  '3fff:fff:ffff::1',
  '4000::1',
  '1fff::1',
  'fc00::1',
  'fe80::1',
  'ff02::1',
  'localhost',
  '',
])('%s is not public', (address) => {
  expect(isPublic(address)).toBe(false);
});

it.each([
  '1.0.0.0',
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
  '168.63.129.15',
  '168.63.129.17',
  '169.253.255.255',
  '169.255.0.0',
  '172.15.255.255',
  '172.32.0.1',
  '191.255.255.255',
  '192.0.1.0',
  '192.0.3.0',
  '192.88.98.255',
  '192.88.100.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '198.51.99.255',
  '198.51.101.0',
  '203.0.112.255',
  '203.0.114.0',
  '223.255.255.255',
  '2000::1',
  '2001:200::1',
  '2001:db7:ffff::1',
  '2001:db9::1',
  '2003::1',
  '2606:4700:4700::1111',
  '2a00:1450::1',
  '3ffe::1',
  '3fff:1000::1',
])('%s is public', (address) => {
  expect(isPublic(address)).toBe(true);
});

it('an address of a URL is what is connected to', async () => {
  expect(await resolveAddresses('8.8.8.8', false)).toEqual([{ address: '8.8.8.8', family: 4 }]);
  expect(await resolveAddresses('[2606:4700:4700::1111]', false)).toEqual([
    { address: '2606:4700:4700::1111', family: 6 },
  ]);
  await expect(resolveAddresses('[::1]', false)).rejects.toThrow('private address ::1');
  expect(await resolveAddresses('[::1]', true)).toEqual([{ address: '::1', family: 6 }]);
});

it('a public address of this machine is not asked', async () => {
  const own = { eth0: [{ ...networkInterface, address: '93.184.216.34' }] };
  await expect(resolveAddresses('93.184.216.34', false, own)).rejects.toThrow('leads to the private address');
  await expect(resolveAddresses('93.184.216.35', false, own)).resolves.toHaveLength(1);
  await expect(resolveAddresses('93.184.216.34', true, own)).resolves.toHaveLength(1);
  const both = {
    lo: undefined,
    eth0: own.eth0,
    eth1: [{ ...networkInterface, family: 'IPv6' as const, scopeid: 0, address: '2a00:1450::1' }],
  };
  await expect(resolveAddresses('[2a00:1450::1]', false, both)).rejects.toThrow('2a00:1450::1');
  await expect(resolveAddresses('93.184.216.34', false, both)).rejects.toThrow('93.184.216.34');
  await expect(resolveAddresses('[2a00:1450::2]', false, both)).resolves.toHaveLength(1);
});

it('a name is looked up', async () => {
  await expect(resolveAddresses('localhost', false)).rejects.toMatchObject({ code: 'PRIVATE_ADDRESS' });
  const found = await resolveAddresses('localhost', true);
  for (const { address } of found) expect(['127.0.0.1', '::1']).toContain(address);
});

it('a name is asked only if all of its addresses are public', async () => {
  const { lookup } = dns;
  const answer = (...addresses: string[]): void =>
    void Reflect.set(dns, 'lookup', async () => addresses.map((address) => ({ address, family: 4 })));
  try {
    answer('8.8.8.8', '10.0.0.1');
    await expect(resolveAddresses('mixed.example', false)).rejects.toMatchObject({ code: 'PRIVATE_ADDRESS' });
    answer('8.8.8.8', '1.1.1.1');
    expect(await resolveAddresses('public.example', false)).toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '1.1.1.1', family: 4 },
    ]);
    answer();
    await expect(resolveAddresses('none.example', false)).rejects.toMatchObject({ code: 'NO_ADDRESS' });
  } finally {
    Reflect.set(dns, 'lookup', lookup);
  }
});

const networkInterface = {
  netmask: '255.255.255.0',
  mac: '00:00:00:00:00:00',
  internal: false,
  cidr: null,
  family: 'IPv4',
} as const;
