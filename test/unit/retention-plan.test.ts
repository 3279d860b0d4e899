import { planRetention } from '../../lib/privacy/retention-plan.js';

const NOW = Date.UTC(2026, 10, 27, 12);

describe('what retention does on a day', () => {
  it('is nothing without the option', () => {
    expect(planRetention({}, NOW)).toEqual({ figures: 'erase', names: [], properties: [] });
  });

  it('erases and anonymises what is from before the days to keep, counted from the beginning of today', () => {
    const policy = {
      keep: '90 days',
      names: { view: '7 days', login: '30 days' },
      anonymiseAfter: '14 days',
      anonymiseProperties: ['email'],
      figures: 'keep',
    } as const;
    expect(planRetention({ ...policy, anonymiseProperties: [...policy.anonymiseProperties] }, NOW)).toEqual({
      eraseBefore: Date.parse('2026-08-29'),
      figures: 'keep',
      names: [
        { name: 'view', before: Date.parse('2026-11-20') },
        { name: 'login', before: Date.parse('2026-10-28') },
      ],
      anonymiseBefore: Date.parse('2026-11-13'),
      properties: ['email'],
    });
  });
});
