import { readFileSync } from 'node:fs';
import { Controller, Get, Header, Req } from '@nestjs/common';
import { type Activity, ActivityService, VisitorService } from '../../lib/index.js';
import type { SampleRequest } from '../auth/guards.js';

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

@Controller()
export class PageController {
  private readonly html = read('index.html');
  private readonly script = read('page.js');

  constructor(
    private readonly activities: ActivityService,
    private readonly visitors: VisitorService,
  ) {}

  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  page(): string {
    return this.html;
  }

  @Get('page.js')
  @Header('Content-Type', 'text/javascript; charset=utf-8')
  pageScript(): string {
    return this.script;
  }

  /** The visitor's own latest activities. */
  @Get('mine')
  async mine(@Req() request: SampleRequest): Promise<Activity[]> {
    const { session } = this.visitors.of(request);
    if (!session) return [];
    const { items } = await this.activities.find({ session }, { limit: 20 });
    return items;
  }
}
