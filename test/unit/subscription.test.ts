import type { Activity } from '../../lib/activity/activity.js';
import { subscriptionsOf } from '../../lib/subscriptions/subscription.js';

describe('the subscriptions of the options', () => {
  it('are none without options', () => {
    expect(subscriptionsOf({})).toEqual([]);
  });

  it('have defaults, and the webhooks come last', () => {
    const handler = (): void => {};
    const secret = `whsec_${Buffer.alloc(24).toString('base64')}`;
    const [subscription, webhook, ...others] = subscriptionsOf({
      subscriptions: [{ name: 'mail', handler }],
      webhooks: [{ url: 'https://a.example', secret, name: 'hook' }],
    });
    expect(subscription).toMatchObject({
      name: 'mail',
      handler,
      from: 'now',
      maxBatch: 100,
      timeout: 60_000,
      lease: 10_000,
      maxFailures: 20,
    });
    const activities: Activity[] = Array.from({ length: 3 });
    expect(subscription?.countThatFits(activities)).toBe(3);
    expect(webhook?.name).toBe('hook');
    expect(others).toEqual([]);
  });

  it('have what is given', () => {
    const given = {
      name: 'mail',
      handler: (): void => {},
      from: 'beginning',
      maxBatch: 1,
      timeout: 2,
      lease: 1000,
      maxFailures: 3,
    } as const;
    expect(subscriptionsOf({ subscriptions: [given] })).toMatchObject([given]);
  });
});
