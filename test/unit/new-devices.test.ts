import { Activity, type StoredActivity } from '../../lib/activity/activity.js';
import { UnavailableError } from '../../lib/store/unavailable.error.js';
import { NewDevices } from '../../lib/subscriptions/new-devices.js';

const activityOf = (user: number): StoredActivity => ({
  id: `0190163d-8694-739b-aea5-${String(user).padStart(12, '0')}`,
  date: new Date('2026-11-03T10:00Z'),
  receivedAt: new Date('2026-11-03T10:00Z'),
  name: 'view',
  path: '/',
  route: null,
  referer: null,
  properties: null,
  subject: null,
  userId: String(user),
  userName: null,
  groupId: null,
  groupName: null,
  sessionId: `session-${user}`,
  visitId: null,
  ipAddress: null,
  interactive: null,
});

it('new devices are found after a database has failed for more users than are remembered', async () => {
  const stored = Object.assign(new Activity(), activityOf(0));
  let isDown = true;
  const devices = new NewDevices({
    page: () => (isDown ? Promise.reject(new UnavailableError('down')) : Promise.resolve([stored])),
    isUserInOtherSession: () => Promise.resolve(false),
  });
  const failed = devices.collect(Array.from({ length: 10_000 }, (_, i) => activityOf(i + 1)));
  for (const pair of failed) await expect(devices.find(pair)).rejects.toThrow('down');
  isDown = false;
  const [pair] = devices.collect([activityOf(0)]);
  expect(pair && (await devices.find(pair))).toEqual({ activity: stored, isFirst: true });
});
