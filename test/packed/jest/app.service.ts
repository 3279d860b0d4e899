import { Injectable } from '@nestjs/common';
import { ActivityService } from 'nestjs-djaffar';

@Injectable()
export class AppService {
  constructor(private readonly activities: ActivityService) {}

  async buy(plan: string): Promise<number> {
    await this.activities.track({ path: '/buy', name: 'bought', properties: { plan } });
    return this.activities.count({ name: 'bought' });
  }
}
