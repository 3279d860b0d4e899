import { isPublic, resolveAddresses } from '../../lib/subscriptions/public-address.js';

it.each([
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '127.0.0.1',
  '168.63.129.16',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '64:ff9b::7f00:1',
  '2001::1',
  '2002:7f00:1::',
  'fc00::1',
  'fe80::1',
  'ff02::1',
  'localhost',
  '',
])('%s is not public', (address) => {
  expect(isPublic(address)).toBe(false);
});

it.each(['8.8.8.8', '1.1.1.1', '172.15.255.255', '172.32.0.1', '2606:4700:4700::1111', '2a00:1450::1'])(
  '%s is public',
  (address) => {
    expect(isPublic(address)).toBe(true);
  },
);

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
});

const networkInterface = {
  netmask: '255.255.255.0',
  mac: '00:00:00:00:00:00',
  internal: false,
  cidr: null,
  family: 'IPv4',
} as const;
