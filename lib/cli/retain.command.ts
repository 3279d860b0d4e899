import type { Command } from 'commander';
import { planRetention } from '../privacy/retention-plan.js';
import { print } from './output.js';
import { withServices } from './services.js';

export function addRetain(program: Command): void {
  const command = program
    .command('retain')
    .description('erase and anonymise what is older than the option "retention" allows')
    .option('--dry-run', 'only say what would go')
    .action(({ dryRun = false }: { dryRun?: boolean }) => retain(command, dryRun));
}

async function retain(command: Command, dryRun: boolean): Promise<void> {
  await withServices(command, async ({ store, retention, file }) => {
    if (!retention)
      throw new Error(
        `${file} exports no "retention": export the option "retention" of the app there, such as { keep: '25 months' }`,
      );
    const plan = planRetention(retention, (await store.retainedAt()).now);
    const result = dryRun
      ? await store.previewRetention(plan)
      : await store.retain(plan, () => Promise.resolve());
    if (!result) throw new Error('another instance is running the retention now; nothing was done');
    const { erased, anonymised } = result;
    await print(
      dryRun
        ? `${erased} activities would be erased, ${anonymised} anonymised`
        : `${erased} activities erased, ${anonymised} anonymised`,
    );
  });
}
