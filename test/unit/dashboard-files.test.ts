import { NotFoundException } from '@nestjs/common';
import { assets } from '../../lib/generated/page.js';
import { DashboardFiles } from '../../lib/dashboard/dashboard-files.js';

describe('the page of the dashboard', () => {
  it('has the files that the build made, and no others', async () => {
    const page = await DashboardFiles.load();
    expect(page.index).toBeDefined();
    expect(Object.keys(assets)).toContain('licences.txt');
    for (const name of Object.keys(assets)) expect(page.asset(name)).toBeDefined();
    for (const name of ['missing.js', '../index.html', 'constructor', '__proto__'])
      expect(() => page.asset(name)).toThrow(NotFoundException);
  });
});
