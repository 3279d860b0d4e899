import { compiled } from '../support/compiled.js';
import { FOUND } from '../support/databases.js';
import { proveDelivery } from '../support/delivery-proof.js';

it.each(FOUND)(
  'each activity is delivered, by one instance at a time, whatever is killed, on %s',
  async (database) => {
    const activities = 2000;
    const proof = await proveDelivery({
      database,
      activities,
      kills: 3,
      subscribers: 4,
      lease: 1000,
      command: [compiled('subscriber')],
    });
    expect(proof).toMatchObject({ stored: activities, missed: 0, overlaps: 0, kills: 3 });
    // Few batches: those of the kills, and those that a busy database has not noted in time.
    expect(proof.repeated).toBeLessThan(activities);
  },
);
