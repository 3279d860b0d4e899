import { EventEmitter, once } from 'node:events';
import type { Activity, Delivery } from '../../lib/index.js';

/** The activities that a handler got. */
export class Deliveries extends EventEmitter {
  readonly batches: Activity[][] = [];
  /** The number of running calls, and its maximum. */
  running = 0;
  most = 0;
  /** Called by the handler with a batch; it may throw. */
  react: (activities: Activity[], delivery: Delivery) => unknown = () => {};

  readonly handler = async (activities: Activity[], delivery: Delivery): Promise<void> => {
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    try {
      this.batches.push(activities);
      this.emit('delivered');
      await this.react(activities, delivery);
    } finally {
      this.running -= 1;
    }
  };

  get names(): string[] {
    return this.batches.flat().map(({ name }) => name);
  }

  /** Resolves when a condition holds after a delivery. */
  async until(isThere: () => boolean): Promise<void> {
    while (!isThere()) await once(this, 'delivered');
  }
}
