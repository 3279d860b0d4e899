import type { IncomingMessage } from 'node:http';
import { Controller, Get, HttpCode, Post, type RawBodyRequest, Req } from '@nestjs/common';
import { Webhook } from 'standardwebhooks';

/** A secret of your own: `whsec_$(openssl rand -base64 32)`. */
export const LEDGER_SECRET = `whsec_${Buffer.from('only for the sample: a secret').toString('base64')}`;

interface Message {
  data: { activities: { id: string; name: string }[] };
}

/** Stands in for another service, which receives the activities of orders. */
@Controller('ledger')
export class LedgerController {
  /** Names by the activity's id: what comes twice is there once. */
  private readonly entries = new Map<string, string>();

  @Post()
  @HttpCode(204)
  receive(@Req() { rawBody, headers }: RawBodyRequest<IncomingMessage>): void {
    const webhook = new Webhook(LEDGER_SECRET);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- who has signed it is trusted
    const { data } = webhook.verify(rawBody ?? '', headers as Record<string, string>) as Message;
    for (const { id, name } of data.activities) this.entries.set(id, name);
  }

  @Get()
  list(): string[] {
    return [...this.entries.values()];
  }
}
