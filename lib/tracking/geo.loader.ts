import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type Settings, SETTINGS } from '../options/settings.js';

/** Opens the database of the option `geo` before the application listens. */
@Injectable()
export class GeoLoader implements OnModuleInit {
  constructor(@Inject(SETTINGS) private readonly settings: Settings) {}

  async onModuleInit(): Promise<void> {
    const { geo } = this.settings;
    if (geo && geo !== 'headers') await geo.open();
  }
}
